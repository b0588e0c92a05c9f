import { randomInt } from 'node:crypto'
import { newToken, newTokens } from '../harness/tokens.js'
import { all, countOf, tally, thousands } from '../harness/traffic.js'

const FRESH = 300_000
const STALE_IF_ERROR = 4 * 3_600_000
const STEP = 300_000
/** The longest pause between two attempts, in seconds. */
const LONGEST_BACK_OFF = 30
const RETURNS = 5

export default {
  name: 'issuer down after warm-up, keys stale',
  expected:
    '0 valid requests lost for the whole `staleIfError`, then 503, then 200 within one back-off step of the recovery',

  async observe(harness) {
    const issuer = await harness.issuer()
    const api = await harness.api(issuer, { still: true })
    const known = await newToken(issuer)
    await api.get(known)
    await issuer.suspend()
    const outage = await liveThrough(issuer, api, known)
    const returns = []
    for (let round = 0; round < RETURNS; round++) {
      if (round > 0) await issuer.suspend()
      returns.push(await comeBack(issuer, api, known))
    }
    return { ...outage, returns }
  },

  check: ({ served, last, over, returns }) => ({
    '0 lost for the whole staleIfError': all(served, 200) && all([last], 200),
    'then 503 with Retry-After': all(over, 503) && over.every(hasRetryAfter),
    'stays 503 during the outage': returns.every(({ down }) => all(down, 503)),
    '200 within the Retry-After of its return': returns.every(
      ({ waited, retryAfter }) => waited <= retryAfter,
    ),
    '200 within the longest back-off step': returns.every(
      ({ waited }) => waited <= LONGEST_BACK_OFF,
    ),
  }),

  describe({ served, lostFrom, last, over, returns }) {
    const lost = served.length + 1 - countOf([...served, last], 200)
    const from = lostFrom === undefined ? '' : ` (from minute ${lostFrom / 60_000} on)`
    const { retryAfter } = over[0]
    const header = retryAfter === undefined ? 'no Retry-After' : `Retry-After: ${retryAfter}`
    const longest = Math.max(...returns.map(({ waited }) => waited))
    return `${thousands(lost)} of ${thousands(served.length + 1)} lost in 4 h 5 min${from}, then ${tally(over)} (${header}), 200 at most ${longest} s after ${returns.length} recoveries`
  },
}

/** Advances in steps through the whole lifetime of the stale keys, to its last millisecond. */
async function liveThrough(issuer, api, known) {
  const served = []
  let lostFrom
  let at = 0
  const to = async (time) => {
    await api.advance(time - at)
    at = time
  }
  const end = FRESH + STALE_IF_ERROR
  for (let time = STEP; time < end; time += STEP) {
    await to(time)
    const tokens = [known, known, known, ...(await newTokens(issuer, 3))]
    const answers = await Promise.all(tokens.map(api.get))
    if (!all(answers, 200)) lostFrom ??= time
    served.push(...answers)
  }
  await to(end - 1)
  const last = await api.get(known)
  await to(end)
  const over = [await api.get(known), await api.get(await newToken(issuer))]
  return { served, lostFrom, last, over }
}

/** Measures the time until valid tokens are accepted after an outage with some requests. */
async function comeBack(issuer, api, known) {
  const down = []
  await api.advance(FRESH + STALE_IF_ERROR)
  for (let call = 0; call < randomInt(2, 12); call++) {
    await api.advance(randomInt(500, 30_000))
    down.push(await api.get(known))
  }
  await issuer.resume()
  const { retryAfter } = down.at(-1)
  let waited = 0
  while ((await api.get(known)).status !== 200 && waited < 120) {
    await api.advance(1_000)
    waited += 1
  }
  return { down, retryAfter: Number(retryAfter), waited }
}

function hasRetryAfter({ retryAfter }) {
  return /^[1-9]\d?$/.test(retryAfter)
}
