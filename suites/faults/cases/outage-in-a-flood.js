import { setTimeout as sleep } from 'node:timers/promises'
import { Stalls } from '../stage/stalls.js'
import { manyUnseen, unseen, withRandomKid } from '../stage/tokens.js'
import { all, paced, seconds, tally, thousands } from '../stage/traffic.js'

const SECONDS = 3
/** The shortest pauses that the back-off allows after the first attempts that fail. */
const PAUSES = [500, 1_000, 2_000, 4_000]
/** Of what is measured from outside, where the machine is not to blame. */
const BLUR = 50

export default {
  name: 'outage with 1,000 requests/s with unknown kids',
  mustShow: 'attempts spaced by the back-off, not by the requests',
  heavy: true,

  async observe(stage) {
    const issuer = await stage.issuer()
    const api = await stage.api(issuer)
    const token = await unseen(issuer)
    await api.get(token)
    const valid = [token, ...(await manyUnseen(issuer, 50))]
    // As long after the last fetch as jose needs to make the next.
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
    return { unknown, known, ...(await attempts.end()), patience: BLUR + stalls.end() }
  },

  check: ({ unknown, known, attempts, times, took, patience }) => ({
    'attempts spaced by the back-off': times.every(
      (time, n) => n === 0 || time - times[n - 1] >= PAUSES[n - 1] - patience,
    ),
    'no more attempts than the back-off allows': attempts <= mostAttempts(took + patience),
    'attempts go on': attempts >= 2,
    'all 503 with Retry-After':
      all(unknown, 503) && unknown.every(({ retryAfter }) => Number(retryAfter) >= 1),
    'cached keys go on with 200': all(known, 200),
  }),

  say({ unknown, known, attempts, times, took }, isOurs) {
    const first = times.slice(0, 4).map((time) => seconds(time - times[0]))
    const when = isOurs ? ` (the first at ${first.join(', ')})` : ''
    return `${thousands(attempts)} attempts in ${seconds(took)}${when}; unknown kids ${tally(unknown)}, cached keys ${tally(known)}`
  },
}

/** When attempts at the key set reach the issuer. */
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
