import { newToken, newTokens } from '../harness/tokens.js'
import { all, eventually, tally } from '../harness/traffic.js'

/** Time of the refresh in seconds: this package obeys `max-age=300`, jose uses its `cacheMaxAge`. */
const DUE = { ours: 240, jose: 600 }

export default {
  name: 'key removed',
  expected: 'its tokens rejected from the next refresh on, cached results included',

  async observe(harness) {
    const due = DUE[harness.subject]
    const issuer = await harness.issuer()
    const api = await harness.api(issuer, { still: true })
    const removal = (refresh) => afterRemoval(issuer, api, refresh)
    return {
      due,
      scheduled: await removal(async (known) => {
        await api.advance(due * 1000)
        await api.get(known)
      }),
      asked: await removal(() => api.refresh()),
      // The first token of the new key causes a refresh.
      rotated: await removal(async () => {
        await api.advance(31_000)
        await api.get(await newToken(issuer))
      }),
    }
  },

  check: ({ scheduled, asked, rotated }) => ({
    'rejected after the scheduled refresh': isObeyed(scheduled),
    'rejected after refreshKeys()': isObeyed(asked),
    "rejected after a new key's first token": isObeyed(rotated),
  }),

  describe({ due, scheduled, asked, rotated }) {
    const old = [scheduled, asked, rotated].flatMap(({ old }) => old)
    const recent = [scheduled, asked, rotated].flatMap(({ recent }) => recent)
    return `old key: ${tally(old)}, new key: ${tally(recent)}, after each of 3 refreshes (scheduled at ${due} s, on demand, by a new token)`
  },
}

/** Returns the responses to tokens of the old and the new key after the refresh. */
async function afterRemoval(issuer, api, refresh) {
  await api.start()
  const known = await newToken(issuer)
  const before = [await api.get(known), await api.get(known)]
  const unknown = await newTokens(issuer, 5)
  await issuer.rotateKeys({ keepOld: false })
  // The clock is frozen, so only a refreshed set has an age of 0.
  await api.advance(1_000)
  const begun = Array.from({ length: 10 }, () => api.get(known))
  await refresh(known)
  await eventually(async () => (await api.status()).ageMs === 0, 'the refresh')
  await Promise.all(begun)
  const old = await Promise.all([known, known, known, known, known, ...unknown].map(api.get))
  const recent = await Promise.all((await newTokens(issuer, 5)).map(api.get))
  return { before, old, recent }
}

function isObeyed({ before, old, recent }) {
  return all(before, 200) && all(old, 401) && all(recent, 200)
}
