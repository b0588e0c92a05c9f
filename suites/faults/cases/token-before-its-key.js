import { randomInt } from 'node:crypto'
import { unseen } from '../stage/tokens.js'
import { seconds } from '../stage/traffic.js'

const COOLDOWN = 10_000
const STEP = 500
const ROUNDS = 6

export default {
  name: 'a token seen before its key is published',
  mustShow: 'accepted within the cooldown after publication (fastify-jwt-jwks: a week)',

  async observe(stage) {
    const issuer = await stage.issuer()
    const mirror = await stage.mirror(issuer)
    const api = await stage.api(issuer, { still: true, jwksUri: mirror.url })
    await api.get(await unseen(issuer))
    const early = []
    const waits = []
    for (let round = 0; round < ROUNDS; round++) {
      await api.advance(31_000)
      const token = await unseenOfNewKey(issuer)
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
    'refused before publication': early.every(({ status }) => status === 401),
    'accepted within the cooldown': waits.every((time) => time <= COOLDOWN),
    'accepted also when not asked about meanwhile': patient.status === 200,
  }),

  say: ({ waits }) =>
    `after ${seconds(Math.min(...waits))} to ${seconds(Math.max(...waits))} (${waits.length} rotations)`,
}

async function unseenOfNewKey(issuer) {
  await issuer.rotateKeys()
  return unseen(issuer)
}

async function untilAccepted(api, token) {
  let waited = 0
  while ((await api.get(token)).status !== 200 && waited < 120_000) {
    await api.advance(STEP)
    waited += STEP
  }
  return waited
}

/** Shown once before the key is published, and once again when the cooldown is over. */
async function patientCaller(issuer, mirror, api) {
  await api.advance(31_000)
  const token = await unseenOfNewKey(issuer)
  await api.get(token)
  mirror.publish()
  await api.advance(COOLDOWN)
  return api.get(token)
}
