import { manyUnseen, unseen } from '../stage/tokens.js'
import { all, eventually, tally } from '../stage/traffic.js'

/** When the key set is refreshed, in seconds: ours heeds `max-age=300`, jose has its `cacheMaxAge`. */
const DUE = { ours: 240, jose: 600 }

export default {
  name: 'key removed',
  mustShow: 'its tokens rejected from the next refresh on, cached results included',

  async observe(stage) {
    const due = DUE[stage.subject]
    const issuer = await stage.issuer()
    const api = await stage.api(issuer, { still: true })
    const removal = (refresh) => afterRemoval(issuer, api, refresh)
    return {
      due,
      scheduled: await removal(async (known) => {
        await api.advance(due * 1000)
        await api.get(known)
      }),
      asked: await removal(() => api.refresh()),
      // The first token of the new key makes the API look.
      rotated: await removal(async () => {
        await api.advance(31_000)
        await api.get(await unseen(issuer))
      }),
    }
  },

  check: ({ scheduled, asked, rotated }) => ({
    'refused after the scheduled refresh': isObeyed(scheduled),
    'refused after refreshKeys()': isObeyed(asked),
    "refused after a new key's first token": isObeyed(rotated),
  }),

  say({ due, scheduled, asked, rotated }) {
    const old = [scheduled, asked, rotated].flatMap(({ old }) => old)
    const recent = [scheduled, asked, rotated].flatMap(({ recent }) => recent)
    return `old key: ${tally(old)}, new key: ${tally(recent)}, after each of 3 refreshes (scheduled at ${due} s, on demand, by a new token)`
  },
}

/** What tokens of the old and the new key get, from the end of the refresh on. */
async function afterRemoval(issuer, api, refresh) {
  await api.start()
  const known = await unseen(issuer)
  const before = [await api.get(known), await api.get(known)]
  const unknown = await manyUnseen(issuer, 5)
  await issuer.rotateKeys({ keepOld: false })
  // The clock stands still, so only a newer set is as old as that.
  await api.advance(1_000)
  const begun = Array.from({ length: 10 }, () => api.get(known))
  await refresh(known)
  await eventually(async () => (await api.status()).ageMs === 0, 'the refresh')
  await Promise.all(begun)
  const old = await Promise.all([known, known, known, known, known, ...unknown].map(api.get))
  const recent = await Promise.all((await manyUnseen(issuer, 5)).map(api.get))
  return { before, old, recent }
}

function isObeyed({ before, old, recent }) {
  return all(before, 200) && all(old, 401) && all(recent, 200)
}
