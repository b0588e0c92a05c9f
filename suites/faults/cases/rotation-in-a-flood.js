import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stalls } from '../harness/stalls.js'
import { newToken, withRandomKid } from '../harness/tokens.js'
import { paced, seconds, times } from '../harness/traffic.js'

const COOLDOWN = 10_000
const STEP = 200
/** Each step costs real time, and jose needs three times as many. */
const ROTATIONS = { ours: 8, jose: 4 }
/** For the test in real time: a shorter cooldown, and the time that requests may take. */
const SHORT_COOLDOWN = 1_500
const ON_THE_WAY = 300

export default {
  name: 'rotation while 20 unknown kids a second arrive',
  expected:
    'the new key accepted within the cooldown (10 s unless set; jose and Auth0 29 s, Okta 59 s)',

  async observe(harness) {
    const [stepped, real] = await Promise.all([
      steppedTime(harness),
      harness.isOurs ? realTime(harness) : { waits: [] },
    ])
    return { stepped, real }
  },

  check: ({ stepped, real }) => ({
    'accepted within the default cooldown': stepped.every((time) => time <= COOLDOWN),
    'accepted within a cooldown of 1.5 s, in real time': real.waits.every(
      (time) => time <= SHORT_COOLDOWN + real.marginMs,
    ),
  }),

  describe({ stepped, real }) {
    const first = `after ${seconds(Math.min(...stepped))} to ${seconds(Math.max(...stepped))} (${stepped.length} rotations)`
    if (real.waits.length === 0) return first
    return `${first}; with a cooldown of 1.5 s, in real time, at most ${seconds(Math.max(...real.waits))}`
  },
}

/** Returns the time until each rotation is noticed, on the simulated clock. */
async function steppedTime(harness) {
  const issuer = await harness.issuer()
  const api = await harness.api(issuer, { still: true })
  const known = await newToken(issuer)
  await api.get(known)
  const step = async () => {
    await api.advance(STEP)
    return times(4, () => api.get(withRandomKid(known)))
  }
  const waits = []
  for (let rotation = 0; rotation < ROTATIONS[harness.subject]; rotation++) {
    for (let steps = randomInt(0, 30); steps > 0; steps--) await step()
    await issuer.rotateKeys()
    const recent = await newToken(issuer)
    let waited = 0
    for (; (await api.get(recent)).status !== 200 && waited < 120_000; waited += STEP) await step()
    waits.push(waited)
  }
  return waits
}

async function realTime(harness) {
  const issuer = await harness.issuer()
  const api = await harness.api(issuer, { jwks: { cooldown: SHORT_COOLDOWN } })
  const known = await newToken(issuer)
  await api.get(known)
  const stalls = new Stalls()
  let over = false
  const flood = (async () => {
    while (!over) {
      await paced({ perSecond: 20, seconds: 0.5, send: () => api.get(withRandomKid(known)) })
    }
  })()
  const waits = []
  for (let rotation = 0; rotation < 3; rotation++) {
    await sleep(randomInt(50, 600))
    await issuer.rotateKeys()
    const begun = performance.now()
    const recent = await newToken(issuer)
    while ((await api.get(recent)).status !== 200 && performance.now() - begun < 6_000) {
      await sleep(20)
    }
    waits.push(performance.now() - begun)
  }
  over = true
  await flood
  return { waits, marginMs: ON_THE_WAY + stalls.end() }
}
