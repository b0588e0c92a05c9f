import { newToken, withRandomKid } from '../harness/tokens.js'
import { all, tally, times } from '../harness/traffic.js'

const MEBIBYTE = 2 ** 20
const ALLOWED = 16_000_000
/** One attempt shows whether jose reads the whole response. */
const ATTEMPTS = { ours: 4, jose: 1 }
/** Longer than every back-off and cooldown. In milliseconds. */
const LATER = 61_000

const FAULTS = [
  { fault: 'oversized', name: '50 MB' },
  { fault: 'many-keys', name: '10,000 keys' },
  { fault: 'endless', name: 'endless' },
]

export default {
  name: '50 MB response, 10,000 keys, endless body',
  expected: 'rejected within the limit; resident memory grows by less than 16 MB',
  heavy: true,

  async observe(harness) {
    const [tooMany, ...bodies] = await Promise.all([
      harness.isOurs ? withLargeCap(harness) : undefined,
      ...FAULTS.map(async ({ fault, name }) => ({ name, ...(await swallow(harness, fault)) })),
    ])
    return { bodies, tooMany }
  },

  check: ({ bodies, tooMany }) => ({
    'each rejected at the limit': bodies.every(({ error }) => /more than 524288 bytes/.test(error)),
    'all 503 for unknown kids': bodies.every(({ unknown }) => all(unknown, 503)),
    'all 200 for known keys': bodies.every(({ known }) => all(known, 200)),
    'memory grows by less than 16 MB': bodies.every(({ grown }) => grown < ALLOWED),
    '10,000 keys are rejected also within a larger byte limit': /10000 keys, more than/.test(
      tooMany,
    ),
  }),

  describe({ bodies }) {
    const each = bodies.map(({ name, unknown, grown, ended }) => {
      const size = `${(grown / MEBIBYTE).toFixed(0)} MiB`
      return ended
        ? `${name}: stopped when it had grown by ${size}`
        : `${name}: unknown kids ${tally(unknown)}, grown by ${size}`
    })
    return each.join('; ')
  },
}

/** Causes several fetches of an oversized key set by tokens with an unknown kid. */
async function swallow(harness, fault) {
  const issuer = await harness.issuer()
  const api = await harness.api(issuer, { ownProcess: true })
  const token = await warmUp(issuer, api)
  await api.watchMemory()
  issuer.fail(fault)
  const unknown = []
  const known = []
  for (let attempt = 0; attempt < ATTEMPTS[harness.subject]; attempt++) {
    await api.advance(LATER)
    unknown.push(await api.get(withRandomKid(token)))
    if (api.exitMessage !== undefined) return { unknown, known, ...api.exitMessage, ended: true }
    known.push(await api.get(token))
  }
  const { lastError } = await api.status()
  const grown = await api.memoryGrown()
  return { unknown, known, grown, error: lastError }
}

/** Runs refreshes, failures and requests, so that later growth is not compilation or first use. */
async function warmUp(issuer, api) {
  const token = await newToken(issuer)
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

async function withLargeCap(harness) {
  const issuer = await harness.issuer()
  const api = await harness.api(issuer, { jwks: { maxBytes: 16 * MEBIBYTE } })
  issuer.fail('many-keys')
  await api.get(await newToken(issuer))
  return (await api.status()).lastError
}
