import { Stalls } from '../harness/stalls.js'
import { newToken, newTokens, withRandomKid } from '../harness/tokens.js'
import {
  all,
  countOf,
  paced,
  seconds,
  slowest,
  tally,
  thousands,
  times,
} from '../harness/traffic.js'

/** The default of this package and of jose. In milliseconds. */
const DEADLINE = 5_000
/** Time from the deadline to the response, apart from stalls of the machine. In milliseconds. */
const ON_THE_WAY = 1_000

export default {
  name: 'issuer hanging',
  expected:
    'no request waits while keys are cached; without keys a request waits at most the deadline, then 503',

  async observe(harness) {
    const [warm, ...colds] = await Promise.all([
      warmApi(harness),
      coldApi(harness, (issuer) => issuer.fail('hang')),
      coldApi(harness, (issuer) => issuer.fail('hang', 'jwks')),
      coldApi(harness, (issuer) => issuer.fail('stalled-body')),
    ])
    const stalls = new Stalls()
    const [answers, ...cold] = await Promise.all([
      goOn(warm),
      ...colds.map(({ api, token }) => times(20, () => api.get(token))),
    ])
    return { ...answers, cold: cold.flat(), marginMs: ON_THE_WAY + stalls.end() }
  },

  check: ({ known, unknown, cold, marginMs }) => ({
    'all 200 while keys are known': all(known, 200),
    'no request waited while keys were cached': slowest(known) < marginMs,
    'an unknown kid waits at most the deadline, then 503':
      all(unknown, 503) && slowest(unknown) < DEADLINE + marginMs,
    'without keys, a request waits at most the deadline': slowest(cold) < DEADLINE + marginMs,
    'then 503 with Retry-After':
      all(cold, 503) && cold.every(({ retryAfter }) => Number(retryAfter) >= 1),
  }),

  describe({ known, cold }) {
    const lost = known.length - countOf(known, 200)
    const count = `${thousands(lost)} of ${thousands(known.length)} lost`
    return `keys cached: ${count}, slowest ${Math.round(slowest(known))} ms; no keys: ${tally(cold)}, slowest ${seconds(slowest(cold))} (deadline ${seconds(DEADLINE, 0)})`
  },
}

async function warmApi(harness) {
  const issuer = await harness.issuer()
  const api = await harness.api(issuer)
  const token = await newToken(issuer)
  await api.get(token)
  return { issuer, api, tokens: [token, ...(await newTokens(issuer, 50))] }
}

async function coldApi(harness, breakIt) {
  const issuer = await harness.issuer()
  breakIt(issuer)
  return { api: await harness.api(issuer), token: await newToken(issuer) }
}

/** The scheduled refresh hangs for an hour, so that the keys become stale. */
async function goOn({ issuer, api, tokens }) {
  const send = (n) => api.get(tokens[n % tokens.length])
  const traffic = { perSecond: 50, seconds: 1.5, send }
  issuer.fail('hang')
  await api.advance(290_000)
  const due = await paced(traffic)
  await api.advance(3_600_000)
  const unknown = times(5, () => api.get(withRandomKid(tokens[0])))
  const stale = await paced(traffic)
  return { known: [...due, ...stale], unknown: await unknown }
}
