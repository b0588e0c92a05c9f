import { unseen, withRandomKid } from '../stage/tokens.js'
import { all, tally, times } from '../stage/traffic.js'

const MEBIBYTE = 2 ** 20
const ALLOWED = 16_000_000
/** One is enough to see whether it is swallowed whole. */
const ATTEMPTS = { ours: 4, jose: 1 }
/** Any back-off and any cooldown is over. */
const LATER = 61_000

const FAULTS = [
  { fault: 'oversized', name: '50 MB' },
  { fault: 'many-keys', name: '10,000 keys' },
  { fault: 'endless', name: 'endless' },
]

export default {
  name: '50 MB response, 10,000 keys, endless body',
  mustShow: 'rejected within the limit; resident memory grows by less than 16 MB',
  heavy: true,

  async observe(stage) {
    const [tooMany, ...bodies] = await Promise.all([
      stage.isOurs ? withLargeCap(stage) : undefined,
      ...FAULTS.map(async ({ fault, name }) => ({ name, ...(await swallow(stage, fault)) })),
    ])
    return { bodies, tooMany }
  },

  check: ({ bodies, tooMany }) => ({
    'each refused at the cap': bodies.every(({ error }) => /more than 524288 bytes/.test(error)),
    'all 503 for what depends on it': bodies.every(({ unknown }) => all(unknown, 503)),
    'all 200 for known keys': bodies.every(({ known }) => all(known, 200)),
    'memory grows by less than 16 MB': bodies.every(({ grown }) => grown < ALLOWED),
    '10,000 keys are too many also where the cap lets them in': /10000 keys, more than/.test(
      tooMany,
    ),
  }),

  say({ bodies }) {
    const each = bodies.map(({ name, unknown, grown, ended }) => {
      const size = `${(grown / MEBIBYTE).toFixed(0)} MiB`
      return ended
        ? `${name}: stopped when it had grown by ${size}`
        : `${name}: unknown kids ${tally(unknown)}, grown by ${size}`
    })
    return each.join('; ')
  },
}

/** Several attempts at a key set that is too much, each caused by a kid that isn't known. */
async function swallow(stage, fault) {
  const issuer = await stage.issuer()
  const api = await stage.api(issuer, { ownProcess: true })
  const token = await warmUp(issuer, api)
  await api.watchMemory()
  issuer.fail(fault)
  const unknown = []
  const known = []
  for (let attempt = 0; attempt < ATTEMPTS[stage.subject]; attempt++) {
    await api.advance(LATER)
    unknown.push(await api.get(withRandomKid(token)))
    if (api.lastWords !== undefined) return { unknown, known, ...api.lastWords, ended: true }
    known.push(await api.get(token))
  }
  const { lastError } = await api.status()
  const grown = await api.memoryGrown()
  return { unknown, known, grown, error: lastError }
}

/** Until nothing is compiled or allocated for the first time: refreshes, failures, requests. */
async function warmUp(issuer, api) {
  const token = await unseen(issuer)
  for (let round = 0; round < 3; round++) {
    await times(100, (n) => api.get(n % 2 ? token : withRandomKid(token)))
    issuer.fail('html')
    await api.advance(LATER)
    await api.get(withRandomKid(token))
    issuer.recover()
    await api.advance(LATER)
    await api.get(withRandomKid(token))
  }
  return token
}

async function withLargeCap(stage) {
  const issuer = await stage.issuer()
  const api = await stage.api(issuer, { jwks: { maxBytes: 16 * MEBIBYTE } })
  issuer.fail('many-keys')
  await api.get(await unseen(issuer))
  return (await api.status()).lastError
}
