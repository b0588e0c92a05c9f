import { randomInt } from 'node:crypto'
import { newToken } from '../harness/tokens.js'
import { seconds } from '../harness/traffic.js'

const COOLDOWN_MS = 10_000
const STEP_MS = 500
const ROUNDS = 6

export default {
  name: 'a token seen before its key is published',
  expected: 'accepted within the cooldown after publication (fastify-jwt-jwks: a week)',

  async observe(harness) {
    const issuer = await harness.issuer()
    const mirror = await harness.mirror(issuer)
    const api = await harness.api(issuer, { frozen: true, jwksUri: mirror.url })
    await api.get(await newToken(issuer))
    const beforePublication = []
    const waitsMs = []
    for (let round = 0; round < ROUNDS; round++) {
      await api.advance(31_000)
      const token = await rotateAndIssueToken(issuer)
      const steps = randomInt(1, 50)
      for (let step = 0; step < steps; step++) {
        beforePublication.push(await api.get(token))
        await api.advance(STEP_MS)
      }
      mirror.publish()
      waitsMs.push(await measureWaitMs(api, token))
    }
    return { beforePublication, waitsMs, afterPause: await presentAfterPause(issuer, mirror, api) }
  },

  check: ({ beforePublication, waitsMs, afterPause }) => ({
    'rejected before publication': beforePublication.every(({ status }) => status === 401),
    'accepted within the cooldown': waitsMs.every((waitMs) => waitMs <= COOLDOWN_MS),
    'accepted also without requests in between': afterPause.status === 200,
  }),

  describe: ({ waitsMs }) =>
    `after ${seconds(Math.min(...waitsMs))} to ${seconds(Math.max(...waitsMs))} (${waitsMs.length} rotations)`,
}

async function rotateAndIssueToken(issuer) {
  await issuer.rotateKeys()
  return newToken(issuer)
}

async function measureWaitMs(api, token) {
  let waitedMs = 0
  while ((await api.get(token)).status !== 200 && waitedMs < 120_000) {
    await api.advance(STEP_MS)
    waitedMs += STEP_MS
  }
  return waitedMs
}

/** Presents a token once before its key is published, and once after the cooldown. */
async function presentAfterPause(issuer, mirror, api) {
  await api.advance(31_000)
  const token = await rotateAndIssueToken(issuer)
  await api.get(token)
  mirror.publish()
  await api.advance(COOLDOWN_MS)
  return api.get(token)
}
