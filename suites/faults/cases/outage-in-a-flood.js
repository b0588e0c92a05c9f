import { setTimeout as sleep } from 'node:timers/promises'
import { Stalls } from '../harness/stalls.js'
import { newToken, newTokens, withRandomKid } from '../harness/tokens.js'
import { all, paced, seconds, tally, thousands } from '../harness/traffic.js'

const SECONDS = 3
/** Minimum back-off after each of the first failed attempts. In milliseconds. */
const BACK_OFFS_MS = [500, 1_000, 2_000, 4_000]
/** Maximum measurement error in milliseconds, without stalls of the machine. */
const MEASUREMENT_ERROR_MS = 50

export default {
  name: 'outage with 1,000 requests/s with unknown kids',
  expected: 'attempts spaced by the back-off, not by the requests',
  heavy: true,

  async observe(harness) {
    const issuer = await harness.issuer()
    const api = await harness.api(issuer)
    const token = await newToken(issuer)
    await api.get(token)
    const valid = [token, ...(await newTokens(issuer, 50))]
    // Advances past the cooldown of jose (30 s), so that both subjects may fetch.
    await api.advance(31_000)
    issuer.fail('reset')
    issuer.resetRequests()

    const stalls = new Stalls()
    const attempts = watchAttempts(issuer)
    const flood = api.client(200)
    const [unknownKid, cachedKey] = await Promise.all([
      paced({
        perSecond: 1_000,
        seconds: SECONDS,
        send: () => flood.get(withRandomKid(token)),
      }),
      paced({ perSecond: 50, seconds: SECONDS, send: (n) => api.get(valid[n % valid.length]) }),
    ])
    return {
      unknownKid,
      cachedKey,
      ...(await attempts.end()),
      marginMs: MEASUREMENT_ERROR_MS + stalls.end(),
    }
  },

  check: ({ unknownKid, cachedKey, attempts, times, durationMs, marginMs }) => ({
    'attempts spaced by the back-off': times.every(
      (time, n) => n === 0 || time - times[n - 1] >= BACK_OFFS_MS[n - 1] - marginMs,
    ),
    'no more attempts than the back-off allows': attempts <= maxAttempts(durationMs + marginMs),
    'attempts continue': attempts >= 2,
    'all 503 with Retry-After':
      all(unknownKid, 503) && unknownKid.every(({ retryAfter }) => Number(retryAfter) >= 1),
    'requests with cached keys all 200': all(cachedKey, 200),
  }),

  describe({ unknownKid, cachedKey, attempts, times, durationMs }, isOurs) {
    const first = times.slice(0, 4).map((time) => seconds(time - times[0]))
    const when = isOurs ? ` (the first at ${first.join(', ')})` : ''
    return `${thousands(attempts)} attempts in ${seconds(durationMs)}${when}; unknown kids ${tally(unknownKid)}, cached keys ${tally(cachedKey)}`
  },
}

/** Records when key set requests reach the issuer. */
function watchAttempts(issuer) {
  const startedAt = performance.now()
  const times = []
  let isOver = false
  const polling = (async () => {
    for (let recorded = 0; !isOver; await sleep(5)) {
      const { jwks } = issuer.requests
      for (; recorded < jwks; recorded++) times.push(performance.now())
    }
  })()
  return {
    async end() {
      const durationMs = performance.now() - startedAt
      isOver = true
      await polling
      return { attempts: times.length, times, durationMs }
    },
  }
}

function maxAttempts(milliseconds) {
  let attempts = 1
  for (let elapsedMs = 0, n = 0; n < BACK_OFFS_MS.length; n++, attempts++) {
    elapsedMs += BACK_OFFS_MS[n]
    if (elapsedMs > milliseconds) break
  }
  return attempts
}
