/** Lives through one case, with ours and with jose, and judges ours. */
import { Stage } from './stage/stage.js'

const LONGEST = 60_000

/** @returns a row of the table. `wrong` is what must be so and isn't: empty where all is well. */
export async function play({ name, mustShow, observe, check, say, heavy = false }) {
  const ours = () =>
    on('ours', observe).then(
      (facts) => ({ seen: say(facts, true), wrong: untrue(check(facts)) }),
      (error) => ({ seen: 'it could not be played', wrong: [error.stack] }),
    )
  // Seen and not judged.
  const jose = () =>
    on('jose', observe).then(
      (facts) => say(facts, false),
      (error) => `it could not be played: ${error.message}`,
    )
  const begun = performance.now()
  const [judged, peer] = heavy ? [await ours(), await jose()] : await Promise.all([ours(), jose()])
  return { name, mustShow, ...judged, jose: peer, took: performance.now() - begun }
}

async function on(subject, observe) {
  const stage = new Stage(subject)
  let timer
  const tooLong = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${LONGEST} ms`)), LONGEST)
  })
  const observed = async () => {
    const facts = await observe(stage)
    await stage.strike({ inPeace: true })
    return facts
  }
  try {
    return await Promise.race([observed(), tooLong])
  } catch (error) {
    await stage.strike({ inPeace: false })
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function untrue(checks) {
  return Object.entries(checks)
    .filter(([, isSo]) => !isSo)
    .map(([what]) => what)
}
