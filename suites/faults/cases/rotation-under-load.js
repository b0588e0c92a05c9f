import { newToken } from '../harness/tokens.js'
import { countOf, paced, thousands, times } from '../harness/traffic.js'

const PER_SECOND = 100
const ROTATIONS = 3

export default {
  name: 'rotation under load (100 req/s, old and new tokens)',
  expected: '0 valid requests lost, 1 fetch',

  async observe(harness) {
    const issuer = await harness.issuer()
    const api = await harness.api(issuer)
    let old = await newToken(issuer)
    await api.get(old)
    const rounds = []
    for (let round = 0; round < ROTATIONS; round++) {
      // The first rotation follows a fetch immediately; before each other, every cooldown passes.
      if (round > 0) await passCooldowns(api, old)
      const { responses, recent, fetches } = await rotate(issuer, api, old)
      rounds.push({ responses, fetches })
      old = recent
    }
    return { rounds }
  },

  check: ({ rounds }) => ({
    '0 lost': rounds.every(({ responses }) => countOf(responses, 200) === responses.length),
    '1 fetch a rotation': rounds.every(({ fetches }) => fetches === 1),
  }),

  describe({ rounds }) {
    const lost = rounds.map(({ responses }) => responses.length - countOf(responses, 200))
    const fetches = rounds.map(({ fetches }) => fetches)
    const [first, ...later] = lost
    return `rotation right after a fetch: ${first} of ${thousands(rounds[0].responses.length)} lost, ${fetches[0]} fetch; 31 s after one: ${later.join(' and ')} lost, ${fetches.slice(1).join(' and ')} fetch`
  },
}

/** Advances the clock so that every key is cached and every cooldown has passed. */
async function passCooldowns(api, token) {
  await api.advance(31_000)
  await api.get(token)
  await api.advance(31_000)
}

/** Sends old tokens, then rotates the keys and sends a burst of new tokens, then sends both. */
async function rotate(issuer, api, old) {
  issuer.resetRequests()
  const before = await paced({ perSecond: PER_SECOND, seconds: 0.3, send: () => api.get(old) })
  await issuer.rotateKeys()
  const recent = await newToken(issuer)
  const burst = times(20, async (n) => api.get(n % 2 ? await newToken(issuer) : recent))
  const after = await paced({
    perSecond: PER_SECOND,
    seconds: 0.7,
    send: async (n) => api.get([old, recent, await newToken(issuer)][n % 3]),
  })
  const responses = [...before, ...(await burst), ...after]
  return { responses, recent, fetches: issuer.requests.jwks }
}
