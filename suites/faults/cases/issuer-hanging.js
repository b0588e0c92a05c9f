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
/**
 * Timeout of the API whose keys are cached: a request that waited for a fetch would take longer than
 * the case may. In milliseconds.
 */
const ENDLESS_MS = 60_000

export default {
  name: 'issuer hanging',
  expected:
    'no request waits while keys are cached; without keys a request waits at most the deadline, then 503',

  async observe(harness) {
    const [warm, withDeadline, ...coldApis] = await Promise.all([
      startWarmApi(harness, { jwks: { timeout: ENDLESS_MS } }),
      startWarmApi(harness),
      startColdApi(harness, (issuer) => issuer.fail('hang')),
      startColdApi(harness, (issuer) => issuer.fail('hang', 'jwks')),
      startColdApi(harness, (issuer) => issuer.fail('stalled-body')),
    ])
    const [cachedKey, unknownKid, ...cold] = await Promise.all([
      measureCachedKeys(warm),
      measureUnknownKid(withDeadline),
      ...coldApis.map(({ api, token }) => times(20, () => api.get(token))),
    ])
    return { cachedKey, unknownKid, cold: cold.flat() }
  },

  // The issuer hangs until the end of the case, so that each response precedes those of the issuer.
  check: ({ cachedKey, unknownKid, cold }) => ({
    'all 200 while keys are cached, without waiting for a fetch': all(cachedKey, 200),
    '503 for an unknown kid at the deadline': all(unknownKid, 503),
    'without keys, 503 with Retry-After at the deadline':
      all(cold, 503) && cold.every(({ retryAfter }) => Number(retryAfter) >= 1),
  }),

  describe({ cachedKey, cold }) {
    const lost = cachedKey.length - countOf(cachedKey, 200)
    const count = `${thousands(lost)} of ${thousands(cachedKey.length)} lost`
    return `keys cached: ${count}, slowest ${Math.round(slowest(cachedKey))} ms; no keys: ${tally(cold)}, slowest ${seconds(slowest(cold))} (deadline ${seconds(DEADLINE_MS, 0)})`
  },
}

async function startWarmApi(harness, options) {
  const issuer = await harness.issuer()
  const api = await harness.api(issuer, options)
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
async function measureCachedKeys({ issuer, api, tokens }) {
  const send = (n) => api.get(tokens[n % tokens.length])
  const traffic = { perSecond: 50, seconds: 1.5, send }
  issuer.fail('hang')
  await api.advance(290_000)
  const due = await paced(traffic)
  await api.advance(3_600_000)
  return [...due, ...(await paced(traffic))]
}

async function measureUnknownKid({ issuer, api, tokens }) {
  issuer.fail('hang')
  await api.advance(3_600_000)
  return times(5, () => api.get(withRandomKid(tokens[0])))
}
