import { newTokens } from '../harness/tokens.js'
import { all, tally } from '../harness/traffic.js'

/** Delays of the issuer's responses, which cause different interleavings. In milliseconds. */
const DELAYS = [0, 1, 20, 150]

export default {
  name: '100 concurrent first requests',
  expected: '1 discovery, 1 key fetch, 100 × 200',

  async observe(harness) {
    const issuer = await harness.issuer()
    const tokens = await newTokens(issuer, 100)
    const api = await harness.api(issuer)
    const rounds = []
    for (const delay of DELAYS) {
      if (delay > 0) issuer.fail({ delay })
      await api.start()
      issuer.resetRequests()
      const responses = await Promise.all(tokens.map(api.get))
      rounds.push({ responses, requests: issuer.requests })
    }
    return { rounds }
  },

  check: ({ rounds }) => ({
    '1 discovery': rounds.every(({ requests }) => requests.discovery === 1),
    '1 key fetch': rounds.every(({ requests }) => requests.jwks === 1),
    'all 200': rounds.every(({ responses }) => all(responses, 200)),
  }),

  describe({ rounds }, isOurs) {
    const most = (endpoint) => Math.max(...rounds.map(({ requests }) => requests[endpoint]))
    const discovery = isOurs ? `${most('discovery')} discovery` : 'no discovery (has none)'
    return `${discovery}, ${most('jwks')} key fetch, ${tally(rounds[0].responses)} (${rounds.length} rounds)`
  },
}
