import { newToken, newTokens, withRandomKid } from '../harness/tokens.js'
import { all, paced, tally, thousands } from '../harness/traffic.js'

/** Duration of the flood in each phase. */
const SECONDS = 0.4
/** Minimum and maximum back-off after each of the first failed attempts. In milliseconds. */
const BACK_OFFS_MS = [
  [500, 1_000],
  [1_000, 2_000],
  [2_000, 4_000],
]

export default {
  name: 'outage with 1,000 requests/s with unknown kids',
  expected: 'attempts spaced by the back-off, not by the requests',
  heavy: true,

  async observe(harness) {
    const issuer = await harness.issuer()
    const api = await harness.api(issuer, { frozen: true })
    const token = await newToken(issuer)
    await api.get(token)
    const valid = [token, ...(await newTokens(issuer, 50))]
    // Advances past the cooldown of jose (30 s), so that both subjects may fetch.
    await api.advance(31_000)
    issuer.fail('reset')
    issuer.resetRequests()

    const flood = api.client(200)
    const unknownKid = []
    const cachedKey = []
    /** Sends requests, and returns the number of attempts so far. */
    const phase = async () => {
      const send = () => flood.get(withRandomKid(token))
      const sendCached = (n) => api.get(valid[n % valid.length])
      const [unknown, cached] = await Promise.all([
        paced({ perSecond: 1_000, seconds: SECONDS, send }),
        paced({ perSecond: 50, seconds: SECONDS, send: sendCached }),
      ])
      unknownKid.push(...unknown)
      cachedKey.push(...cached)
      return issuer.requests.jwks
    }
    const attempts = [await phase()]
    for (const [minimumMs, maximumMs] of BACK_OFFS_MS) {
      await api.advance(minimumMs - 1)
      attempts.push(await phase())
      await api.advance(maximumMs - minimumMs + 1)
      attempts.push(await phase())
    }
    return { unknownKid, cachedKey, attempts }
  },

  // Each back-off has a phase shortly before its minimum, and one at its maximum.
  check: ({ unknownKid, cachedKey, attempts }) => ({
    'no attempt during a back-off, one after it': attempts.join() === '1,1,2,2,3,3,4',
    'all 503 with Retry-After':
      all(unknownKid, 503) && unknownKid.every(({ retryAfter }) => Number(retryAfter) >= 1),
    'requests with cached keys all 200': all(cachedKey, 200),
  }),

  describe({ unknownKid, cachedKey, attempts }) {
    const backOffs = `${BACK_OFFS_MS.length} back-offs`
    return `${thousands(attempts.at(-1))} attempts in ${backOffs}; unknown kids ${tally(unknownKid)}, cached keys ${tally(cachedKey)}`
  },
}
