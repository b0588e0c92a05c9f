import { setTimeout as sleep } from 'node:timers/promises'
import { Stalls } from '../harness/stalls.js'
import { newToken, newTokens, withRandomKid } from '../harness/tokens.js'
import { all, paced, seconds, tally, thousands } from '../harness/traffic.js'

const SECONDS = 3
/** Minimum back-off after each of the first failed attempts. In milliseconds. */
const PAUSES = [500, 1_000, 2_000, 4_000]
/** Measurement error, apart from stalls of the machine. In milliseconds. */
const BLUR = 50

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
    // Lets the cooldown of jose (30 s) pass, so that both subjects may fetch.
    await api.advance(31_000)
    issuer.fail('reset')
    issuer.resetRequests()

    const stalls = new Stalls()
    const attempts = watchAttempts(issuer)
    const flood = api.client(200)
    const [unknown, known] = await Promise.all([
      paced({
        perSecond: 1_000,
        seconds: SECONDS,
        send: () => flood.get(withRandomKid(token)),
      }),
      paced({ perSecond: 50, seconds: SECONDS, send: (n) => api.get(valid[n % valid.length]) }),
    ])
    return { unknown, known, ...(await attempts.end()), marginMs: BLUR + stalls.end() }
  },

  check: ({ unknown, known, attempts, times, took, marginMs }) => ({
    'attempts spaced by the back-off': times.every(
      (time, n) => n === 0 || time - times[n - 1] >= PAUSES[n - 1] - marginMs,
    ),
    'no more attempts than the back-off allows': attempts <= mostAttempts(took + marginMs),
    'attempts continue': attempts >= 2,
    'all 503 with Retry-After':
      all(unknown, 503) && unknown.every(({ retryAfter }) => Number(retryAfter) >= 1),
    'requests with cached keys all 200': all(known, 200),
  }),

  describe({ unknown, known, attempts, times, took }, isOurs) {
    const first = times.slice(0, 4).map((time) => seconds(time - times[0]))
    const when = isOurs ? ` (the first at ${first.join(', ')})` : ''
    return `${thousands(attempts)} attempts in ${seconds(took)}${when}; unknown kids ${tally(unknown)}, cached keys ${tally(known)}`
  },
}

/** Records when key set requests reach the issuer. */
function watchAttempts(issuer) {
  const begun = performance.now()
  const times = []
  let over = false
  const watching = (async () => {
    for (let seen = 0; !over; await sleep(5)) {
      const { jwks } = issuer.requests
      for (; seen < jwks; seen++) times.push(performance.now())
    }
  })()
  return {
    async end() {
      const took = performance.now() - begun
      over = true
      await watching
      return { attempts: times.length, times, took }
    },
  }
}

function mostAttempts(milliseconds) {
  let most = 1
  for (let at = 0, n = 0; n < PAUSES.length; n++, most++) {
    at += PAUSES[n]
    if (at > milliseconds) break
  }
  return most
}
