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

/** Default timeout of a key fetch, in this package and in jose. In milliseconds. */
const DEADLINE_MS = 5_000
/** Maximum milliseconds from the deadline to the response, without stalls of the machine. */
const RESPONSE_MARGIN_MS = 1_000

export default {
  name: 'issuer hanging',
  expected:
    'no request waits while keys are cached; without keys a request waits at most the deadline, then 503',

  async observe(harness) {
    const [warm, ...coldApis] = await Promise.all([
      startWarmApi(harness),
      startColdApi(harness, (issuer) => issuer.fail('hang')),
      startColdApi(harness, (issuer) => issuer.fail('hang', 'jwks')),
      startColdApi(harness, (issuer) => issuer.fail('stalled-body')),
    ])
    const stalls = new Stalls()
    const [warmResponses, ...cold] = await Promise.all([
      measureWarmApi(warm),
      ...coldApis.map(({ api, token }) => times(20, () => api.get(token))),
    ])
    return { ...warmResponses, cold: cold.flat(), marginMs: RESPONSE_MARGIN_MS + stalls.end() }
  },

  check: ({ cachedKey, unknownKid, cold, marginMs }) => ({
    'all 200 while keys are cached': all(cachedKey, 200),
    'no request waited while keys were cached': slowest(cachedKey) < marginMs,
    'an unknown kid waits at most the deadline, then 503':
      all(unknownKid, 503) && slowest(unknownKid) < DEADLINE_MS + marginMs,
    'without keys, a request waits at most the deadline': slowest(cold) < DEADLINE_MS + marginMs,
    'then 503 with Retry-After':
      all(cold, 503) && cold.every(({ retryAfter }) => Number(retryAfter) >= 1),
  }),

  describe({ cachedKey, cold }) {
    const lost = cachedKey.length - countOf(cachedKey, 200)
    const count = `${thousands(lost)} of ${thousands(cachedKey.length)} lost`
    return `keys cached: ${count}, slowest ${Math.round(slowest(cachedKey))} ms; no keys: ${tally(cold)}, slowest ${seconds(slowest(cold))} (deadline ${seconds(DEADLINE_MS, 0)})`
  },
}

async function startWarmApi(harness) {
  const issuer = await harness.issuer()
  const api = await harness.api(issuer)
  const token = await newToken(issuer)
  await api.get(token)
  return { issuer, api, tokens: [token, ...(await newTokens(issuer, 50))] }
}

async function startColdApi(harness, injectFault) {
  const issuer = await harness.issuer()
  injectFault(issuer)
  return { api: await harness.api(issuer), token: await newToken(issuer) }
}

/** Sends requests while the scheduled refresh hangs for an hour and the keys become stale. */
async function measureWarmApi({ issuer, api, tokens }) {
  const send = (n) => api.get(tokens[n % tokens.length])
  const traffic = { perSecond: 50, seconds: 1.5, send }
  issuer.fail('hang')
  await api.advance(290_000)
  const due = await paced(traffic)
  await api.advance(3_600_000)
  const unknownKid = times(5, () => api.get(withRandomKid(tokens[0])))
  const stale = await paced(traffic)
  return { cachedKey: [...due, ...stale], unknownKid: await unknownKid }
}
