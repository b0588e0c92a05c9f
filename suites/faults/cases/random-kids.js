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
    const cachedToken = await newToken(issuer)
    await times(1_000, () => flood.get(cachedToken))
    // Advances past the cooldown of jose (30 s), so that both subjects may fetch.
    await api.advance(31_000)
    const valid = [cachedToken, ...(await newTokens(issuer, 100))]
    const forged = Array.from({ length: 10_000 }, () => withRandomKid(cachedToken))
    issuer.resetRequests()

    const startedAt = performance.now()
    const flooded = paced({
      perSecond: forged.length / SECONDS,
      seconds: SECONDS,
      send: (n) => flood.get(forged[n]),
    }).then((responses) => ({ responses, durationMs: performance.now() - startedAt }))
    const validResponses = paced({
      perSecond: 100,
      seconds: SECONDS,
      send: (n) => api.get(valid[n % valid.length]),
    })
    const { responses, durationMs } = await flooded
    return {
      responses,
      durationMs,
      validResponses: await validResponses,
      fetches: issuer.requests.jwks,
    }
  },

  check: ({ responses, validResponses, fetches }) => ({
    'at most 4 key fetches': fetches <= 4,
    'all 401': all(responses, 401),
    'valid traffic all 200': all(validResponses, 200),
  }),

  describe: ({ responses, validResponses, fetches, durationMs }) =>
    `${fetches} key fetch${fetches === 1 ? '' : 'es'}, ${tally(responses)} in ${seconds(durationMs)}, concurrent valid requests ${tally(validResponses)}`,
}
