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
      // The first rotation comes right after a fetch, the others when any cooldown is over.
      if (round > 0) await settle(api, old)
      const { answers, recent, fetches } = await rotate(issuer, api, old)
      rounds.push({ answers, fetches })
      old = recent
    }
    return { rounds }
  },

  check: ({ rounds }) => ({
    '0 lost': rounds.every(({ answers }) => countOf(answers, 200) === answers.length),
    '1 fetch a rotation': rounds.every(({ fetches }) => fetches === 1),
  }),

  describe({ rounds }) {
    const lost = rounds.map(({ answers }) => answers.length - countOf(answers, 200))
    const fetches = rounds.map(({ fetches }) => fetches)
    const [first, ...later] = lost
    return `rotation right after a fetch: ${first} of ${thousands(rounds[0].answers.length)} lost, ${fetches[0]} fetch; 31 s after one: ${later.join(' and ')} lost, ${fetches.slice(1).join(' and ')} fetch`
  },
}

/** Caches every key and lets every cooldown pass. */
async function settle(api, token) {
  await api.advance(31_000)
  await api.get(token)
  await api.advance(31_000)
}

/** Sends old tokens, then a burst of new tokens among them, then both. */
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
  const answers = [...before, ...(await burst), ...after]
  return { answers, recent, fetches: issuer.requests.jwks }
}
