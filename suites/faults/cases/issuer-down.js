import { randomInt } from 'node:crypto'
import { newToken, newTokens } from '../harness/tokens.js'
import { all, countOf, tally, thousands } from '../harness/traffic.js'

/** Freshness lifetime of the key set (RFC 9111), in milliseconds. */
const FRESH_MS = 300_000
const STALE_IF_ERROR_MS = 4 * 3_600_000
const STEP_MS = 300_000
/** Maximum back-off between two key fetches, in seconds. */
const MAX_BACK_OFF_SECONDS = 30
const RECOVERIES = 5

export default {
  name: 'issuer down after warm-up, keys stale',
  expected:
    '0 valid requests lost for the whole `staleIfError`, then 503, then 200 within one back-off step of the recovery',

  async observe(harness) {
    const issuer = await harness.issuer()
    const api = await harness.api(issuer, { frozen: true })
    const cachedToken = await newToken(issuer)
    await api.get(cachedToken)
    await issuer.suspend()
    const outage = await measureOutage(issuer, api, cachedToken)
    const recoveries = []
    for (let round = 0; round < RECOVERIES; round++) {
      if (round > 0) await issuer.suspend()
      recoveries.push(await measureRecovery(issuer, api, cachedToken))
    }
    return { ...outage, recoveries }
  },

  check: ({ served, last, expired, recoveries }) => ({
    '0 lost for the whole staleIfError': all(served, 200) && all([last], 200),
    'then 503 with Retry-After': all(expired, 503) && expired.every(hasRetryAfter),
    'stays 503 during the outage': recoveries.every(({ duringOutage }) => all(duringOutage, 503)),
    '200 within the Retry-After of each recovery': recoveries.every(
      ({ waitedSeconds, retryAfter }) => waitedSeconds <= retryAfter,
    ),
    '200 within the longest back-off step': recoveries.every(
      ({ waitedSeconds }) => waitedSeconds <= MAX_BACK_OFF_SECONDS,
    ),
  }),

  describe({ served, lostFromMs, last, expired, recoveries }) {
    const lost = served.length + 1 - countOf([...served, last], 200)
    const from = lostFromMs === undefined ? '' : ` (from minute ${lostFromMs / 60_000} on)`
    const { retryAfter } = expired[0]
    const header = retryAfter === undefined ? 'no Retry-After' : `Retry-After: ${retryAfter}`
    const longest = Math.max(...recoveries.map(({ waitedSeconds }) => waitedSeconds))
    return `${thousands(lost)} of ${thousands(served.length + 1)} lost in 4 h 5 min${from}, then ${tally(expired)} (${header}), 200 at most ${longest} s after ${recoveries.length} recoveries`
  },
}

/**
 * Sends requests during an outage, in steps up to the last millisecond of `staleIfError` and one
 * millisecond later.
 */
async function measureOutage(issuer, api, cachedToken) {
  const served = []
  let lostFromMs
  let nowMs = 0
  const advanceTo = async (timeMs) => {
    await api.advance(timeMs - nowMs)
    nowMs = timeMs
  }
  const end = FRESH_MS + STALE_IF_ERROR_MS
  for (let timeMs = STEP_MS; timeMs < end; timeMs += STEP_MS) {
    await advanceTo(timeMs)
    const tokens = [cachedToken, cachedToken, cachedToken, ...(await newTokens(issuer, 3))]
    const responses = await Promise.all(tokens.map(api.get))
    if (!all(responses, 200)) lostFromMs ??= timeMs
    served.push(...responses)
  }
  await advanceTo(end - 1)
  const last = await api.get(cachedToken)
  await advanceTo(end)
  const expired = [await api.get(cachedToken), await api.get(await newToken(issuer))]
  return { served, lostFromMs, last, expired }
}

/**
 * Measures how long the API rejects valid tokens after the issuer recovers. Requests during the
 * outage increase the back-off.
 */
async function measureRecovery(issuer, api, cachedToken) {
  const duringOutage = []
  await api.advance(FRESH_MS + STALE_IF_ERROR_MS)
  for (let call = 0; call < randomInt(2, 12); call++) {
    await api.advance(randomInt(500, 30_000))
    duringOutage.push(await api.get(cachedToken))
  }
  await issuer.resume()
  const { retryAfter } = duringOutage.at(-1)
  let waitedSeconds = 0
  while ((await api.get(cachedToken)).status !== 200 && waitedSeconds < 120) {
    await api.advance(1_000)
    waitedSeconds += 1
  }
  return { duringOutage, retryAfter: Number(retryAfter), waitedSeconds }
}

function hasRetryAfter({ retryAfter }) {
  return /^[1-9]\d?$/.test(retryAfter)
}
