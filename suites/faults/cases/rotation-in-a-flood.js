import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { newToken, withRandomKid } from '../harness/tokens.js'
import { paced, seconds, times } from '../harness/traffic.js'

const COOLDOWN_MS = 10_000
const STEP_MS = 200
/** Number of rotations. jose runs fewer, because it needs three times as many steps. */
const ROTATIONS = { ours: 8, jose: 4 }
/** Cooldown in the real-time measurement, in milliseconds. */
const SHORT_COOLDOWN_MS = 1_500
/** Requests with a new token, 20 ms apart, in the real-time measurement. */
const MAX_ATTEMPTS = 1_000

export default {
  name: 'rotation while 20 unknown kids a second arrive',
  expected:
    'the new key accepted within the cooldown (10 s unless set; jose and Auth0 29 s, Okta 59 s)',

  async observe(harness) {
    const [simulated, real] = await Promise.all([
      measureSimulatedTime(harness),
      harness.isOurs ? measureRealTime(harness) : { waitsMs: [], statuses: [] },
    ])
    return { simulated, real }
  },

  check: ({ simulated, real }) => ({
    'accepted within the default cooldown': simulated.every((waitMs) => waitMs <= COOLDOWN_MS),
    'accepted also in real time': real.statuses.every((status) => status === 200),
  }),

  describe({ simulated, real }) {
    const first = `after ${seconds(Math.min(...simulated))} to ${seconds(Math.max(...simulated))} (${simulated.length} rotations)`
    if (real.waitsMs.length === 0) return first
    return `${first}; with a cooldown of 1.5 s, in real time, at most ${seconds(Math.max(...real.waitsMs))}`
  },
}

/** Returns how long the API rejects the new key after each rotation, on the simulated clock. */
async function measureSimulatedTime(harness) {
  const issuer = await harness.issuer()
  const api = await harness.api(issuer, { frozen: true })
  const cachedToken = await newToken(issuer)
  await api.get(cachedToken)
  const step = async () => {
    await api.advance(STEP_MS)
    return times(4, () => api.get(withRandomKid(cachedToken)))
  }
  const waitsMs = []
  for (let rotation = 0; rotation < ROTATIONS[harness.subject]; rotation++) {
    for (let steps = randomInt(0, 30); steps > 0; steps--) await step()
    await issuer.rotateKeys()
    const recent = await newToken(issuer)
    let waitedMs = 0
    for (; (await api.get(recent)).status !== 200 && waitedMs < 120_000; waitedMs += STEP_MS)
      await step()
    waitsMs.push(waitedMs)
  }
  return waitsMs
}

async function measureRealTime(harness) {
  const issuer = await harness.issuer()
  const api = await harness.api(issuer, { jwks: { cooldown: SHORT_COOLDOWN_MS } })
  const cachedToken = await newToken(issuer)
  await api.get(cachedToken)
  let isOver = false
  const flood = (async () => {
    while (!isOver) {
      await paced({ perSecond: 20, seconds: 0.5, send: () => api.get(withRandomKid(cachedToken)) })
    }
  })()
  const [waitsMs, statuses] = [[], []]
  for (let rotation = 0; rotation < 3; rotation++) {
    await sleep(randomInt(50, 600))
    await issuer.rotateKeys()
    const startedAt = performance.now()
    const recent = await newToken(issuer)
    let status = 0
    for (let attempts = 0; status !== 200 && attempts < MAX_ATTEMPTS; attempts++) {
      if (attempts > 0) await sleep(20)
      status = (await api.get(recent)).status
    }
    statuses.push(status)
    waitsMs.push(performance.now() - startedAt)
  }
  isOver = true
  await flood
  return { waitsMs, statuses }
}
