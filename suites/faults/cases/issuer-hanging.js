import { Stalls } from '../stage/stalls.js'
import { manyUnseen, unseen, withRandomKid } from '../stage/tokens.js'
import { all, countOf, paced, seconds, slowest, tally, thousands, times } from '../stage/traffic.js'

/** The default, of ours and of jose. */
const DEADLINE = 5_000
/** From the deadline to the answer in the caller's hands, where the machine is not to blame. */
const ON_THE_WAY = 1_000

export default {
  name: 'issuer hanging',
  mustShow:
    'no request waits while keys are cached; without keys a request waits at most the deadline, then 503',

  async observe(stage) {
    const [warm, ...colds] = await Promise.all([
      warmApi(stage),
      coldApi(stage, (issuer) => issuer.fail('hang')),
      coldApi(stage, (issuer) => issuer.fail('hang', 'jwks')),
      coldApi(stage, (issuer) => issuer.fail('stalled-body')),
    ])
    const stalls = new Stalls()
    const [answers, ...cold] = await Promise.all([
      goOn(warm),
      ...colds.map(({ api, token }) => times(20, () => api.get(token))),
    ])
    return { ...answers, cold: cold.flat(), patience: ON_THE_WAY + stalls.end() }
  },

  check: ({ known, unknown, cold, patience }) => ({
    'all 200 while keys are known': all(known, 200),
    'none waited while keys are known': slowest(known) < patience,
    'an unknown kid waits at most the deadline, then 503':
      all(unknown, 503) && slowest(unknown) < DEADLINE + patience,
    'a cold one waits at most the deadline': slowest(cold) < DEADLINE + patience,
    'then 503 with Retry-After':
      all(cold, 503) && cold.every(({ retryAfter }) => Number(retryAfter) >= 1),
  }),

  say({ known, cold }) {
    const lost = known.length - countOf(known, 200)
    const count = `${thousands(lost)} of ${thousands(known.length)} lost`
    return `keys cached: ${count}, slowest ${Math.round(slowest(known))} ms; no keys: ${tally(cold)}, slowest ${seconds(slowest(cold))} (deadline ${seconds(DEADLINE, 0)})`
  },
}

async function warmApi(stage) {
  const issuer = await stage.issuer()
  const api = await stage.api(issuer)
  const token = await unseen(issuer)
  await api.get(token)
  return { issuer, api, tokens: [token, ...(await manyUnseen(issuer, 50))] }
}

async function coldApi(stage, breakIt) {
  const issuer = await stage.issuer()
  breakIt(issuer)
  return { api: await stage.api(issuer), token: await unseen(issuer) }
}

/** A refresh hangs when it is due; meanwhile an hour goes by, and freshness is long over. */
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
