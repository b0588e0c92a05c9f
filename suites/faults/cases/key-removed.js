import { newToken, newTokens } from '../harness/tokens.js'
import { all, eventually, tally } from '../harness/traffic.js'

/**
 * Age of the key set at its scheduled refresh, in seconds. This package obeys `max-age=300`; jose
 * uses its `cacheMaxAge`.
 */
const REFRESH_AGE_SECONDS = { ours: 240, jose: 600 }

export default {
  name: 'key removed',
  expected: 'its tokens rejected from the next refresh on, cached results included',

  async observe(harness) {
    const refreshAgeSeconds = REFRESH_AGE_SECONDS[harness.subject]
    const issuer = await harness.issuer()
    const api = await harness.api(issuer, { frozen: true })
    const removeKeyAnd = (refresh) => removeKey(issuer, api, refresh)
    return {
      refreshAgeSeconds,
      scheduled: await removeKeyAnd(async (cachedToken) => {
        await api.advance(refreshAgeSeconds * 1000)
        await api.get(cachedToken)
      }),
      onDemand: await removeKeyAnd(() => api.refresh()),
      // The first token with the new key causes a refresh.
      rotated: await removeKeyAnd(async () => {
        await api.advance(31_000)
        await api.get(await newToken(issuer))
      }),
    }
  },

  check: ({ scheduled, onDemand, rotated }) => ({
    'rejected after the scheduled refresh': isEnforced(scheduled),
    'rejected after refreshKeys()': isEnforced(onDemand),
    "rejected after a new key's first token": isEnforced(rotated),
  }),

  describe({ refreshAgeSeconds, scheduled, onDemand, rotated }) {
    const old = [scheduled, onDemand, rotated].flatMap(({ old }) => old)
    const recent = [scheduled, onDemand, rotated].flatMap(({ recent }) => recent)
    return `old key: ${tally(old)}, new key: ${tally(recent)}, after each of 3 refreshes (scheduled at ${refreshAgeSeconds} s, on demand, by a new token)`
  },
}

/** Removes the key, refreshes the key set, and returns the responses to tokens of both keys. */
async function removeKey(issuer, api, refresh) {
  await api.start()
  const cachedToken = await newToken(issuer)
  const before = [await api.get(cachedToken), await api.get(cachedToken)]
  const uncachedTokens = await newTokens(issuer, 5)
  await issuer.rotateKeys({ keepOld: false })
  // Because the clock is frozen, only a refreshed key set has an age of 0.
  await api.advance(1_000)
  const inFlight = Array.from({ length: 10 }, () => api.get(cachedToken))
  await refresh(cachedToken)
  await eventually(async () => (await api.status()).ageMs === 0, 'the refresh')
  await Promise.all(inFlight)
  const old = await Promise.all(
    [cachedToken, cachedToken, cachedToken, cachedToken, cachedToken, ...uncachedTokens].map(
      api.get,
    ),
  )
  const recent = await Promise.all((await newTokens(issuer, 5)).map(api.get))
  return { before, old, recent }
}

function isEnforced({ before, old, recent }) {
  return all(before, 200) && all(old, 401) && all(recent, 200)
}
