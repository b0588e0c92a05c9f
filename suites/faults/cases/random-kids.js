import { newToken, newTokens, withRandomKid } from '../harness/tokens.js'
import { all, paced, seconds, tally, times } from '../harness/traffic.js'

const SECONDS = 2

export default {
  name: '10,000 requests with random kids in 2 s',
  expected: '≤ 4 key fetches, all 401, concurrent valid requests all 200',
  heavy: true,

  async observe(harness) {
    const issuer = await harness.issuer()
    const api = await harness.api(issuer)
    const flood = api.client(64)
    const known = await newToken(issuer)
    await times(1_000, () => flood.get(known))
    // Lets the cooldown of jose (30 s) pass, so that both subjects may fetch.
    await api.advance(31_000)
    const valid = [known, ...(await newTokens(issuer, 100))]
    const forged = Array.from({ length: 10_000 }, () => withRandomKid(known))
    issuer.resetRequests()

    const begun = performance.now()
    const flooding = paced({
      perSecond: forged.length / SECONDS,
      seconds: SECONDS,
      send: (n) => flood.get(forged[n]),
    }).then((answers) => ({ answers, took: performance.now() - begun }))
    const beside = paced({
      perSecond: 100,
      seconds: SECONDS,
      send: (n) => api.get(valid[n % valid.length]),
    })
    const { answers, took } = await flooding
    return { answers, took, beside: await beside, fetches: issuer.requests.jwks }
  },

  check: ({ answers, beside, fetches }) => ({
    'at most 4 key fetches': fetches <= 4,
    'all 401': all(answers, 401),
    'valid traffic all 200': all(beside, 200),
  }),

  describe: ({ answers, beside, fetches, took }) =>
    `${fetches} key fetch${fetches === 1 ? '' : 'es'}, ${tally(answers)} in ${seconds(took)}, concurrent valid requests ${tally(beside)}`,
}
