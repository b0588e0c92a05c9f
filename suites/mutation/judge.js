/** Whether the tests notice a mutant: `killed`, `timeout`, `survived`, or `unreached` by any test. */

/** Ten times what it takes without a mutant, and never so little that a busy machine decides. */
function limitOf(ms) {
  return 8_000 + 10 * ms
}

export async function judge(mutant, plan, worker) {
  if (plan.length === 0) return { status: 'unreached' }
  for (const { module, only, ms } of plan) {
    const order = { module, only, mutant: mutant.id }
    let answer = await worker.play(order, limitOf(ms))
    // What nobody handled may be of another mutant: its worker is gone, and a new one tells.
    if (answer.failure !== undefined && answer.untrusted)
      answer = await worker.play(order, limitOf(ms))
    if (answer.failure === 'timeout') {
      // On a machine that is too busy even for the code as it is, nothing was learnt.
      const { failure } = await worker.play({ module, only }, limitOf(ms) / 2)
      return { status: failure === undefined ? 'timeout' : 'open' }
    }
    if (answer.failure !== undefined)
      return { status: 'killed', by: answer.failure, play: { module, only, ms } }
  }
  return { status: 'survived' }
}

/** Whether what killed is content without a mutant: a mutant must leave nothing behind for the next. */
export async function isSound(plays, worker) {
  const distinct = new Map()
  for (const play of plays) {
    const known = distinct.get(play.module)
    const only = [...new Set([...(known?.only ?? []), ...play.only])]
    distinct.set(play.module, { ...play, only, ms: Math.max(known?.ms ?? 0, play.ms) })
  }
  for (const { module, only, ms } of distinct.values()) {
    const { failure } = await worker.play({ module, only }, limitOf(ms))
    if (failure !== undefined) return false
  }
  return true
}
