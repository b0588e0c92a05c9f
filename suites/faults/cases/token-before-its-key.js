import { randomInt } from 'node:crypto'
import { newToken } from '../harness/tokens.js'
import { seconds } from '../harness/traffic.js'

const COOLDOWN = 10_000
const STEP = 500
const ROUNDS = 6

export default {
  name: 'a token seen before its key is published',
  expected: 'accepted within the cooldown after publication (fastify-jwt-jwks: a week)',

  async observe(harness) {
    const issuer = await harness.issuer()
    const mirror = await harness.mirror(issuer)
    const api = await harness.api(issuer, { still: true, jwksUri: mirror.url })
    await api.get(await newToken(issuer))
    const early = []
    const waits = []
    for (let round = 0; round < ROUNDS; round++) {
      await api.advance(31_000)
      const token = await tokenOfNewKey(issuer)
      const steps = randomInt(1, 50)
      for (let step = 0; step < steps; step++) {
        early.push(await api.get(token))
        await api.advance(STEP)
      }
      mirror.publish()
      waits.push(await untilAccepted(api, token))
    }
    return { early, waits, patient: await patientCaller(issuer, mirror, api) }
  },

  check: ({ early, waits, patient }) => ({
    'rejected before publication': early.every(({ status }) => status === 401),
    'accepted within the cooldown': waits.every((time) => time <= COOLDOWN),
    'accepted also without requests in between': patient.status === 200,
  }),

  describe: ({ waits }) =>
    `after ${seconds(Math.min(...waits))} to ${seconds(Math.max(...waits))} (${waits.length} rotations)`,
}

async function tokenOfNewKey(issuer) {
  await issuer.rotateKeys()
  return newToken(issuer)
}

async function untilAccepted(api, token) {
  let waited = 0
  while ((await api.get(token)).status !== 200 && waited < 120_000) {
    await api.advance(STEP)
    waited += STEP
  }
  return waited
}

/** Presents a token once before its key is published, and once after the cooldown. */
async function patientCaller(issuer, mirror, api) {
  await api.advance(31_000)
  const token = await tokenOfNewKey(issuer)
  await api.get(token)
  mirror.publish()
  await api.advance(COOLDOWN)
  return api.get(token)
}
