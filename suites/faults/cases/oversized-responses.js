import { newToken, withRandomKid } from '../harness/tokens.js'
import { all, tally, times } from '../harness/traffic.js'

const MEBIBYTE = 2 ** 20
const MAX_GROWTH_BYTES = 16_000_000
/** Number of key fetches. A single fetch shows whether jose reads the whole response. */
const ATTEMPTS = { ours: 4, jose: 1 }
/** Exceeds every back-off and cooldown. In milliseconds. */
const AFTER_BACK_OFF_MS = 61_000

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
    const [tooManyKeysError, ...bodies] = await Promise.all([
      harness.isOurs ? errorWithLargeLimit(harness) : undefined,
      ...FAULTS.map(async ({ fault, name }) => ({
        name,
        ...(await fetchOversizedKeySets(harness, fault)),
      })),
    ])
    return { bodies, tooManyKeysError }
  },

  check: ({ bodies, tooManyKeysError }) => ({
    'each rejected at the limit': bodies.every(({ error }) => /more than 524288 bytes/.test(error)),
    'all 503 for unknown kids': bodies.every(({ unknownKidResponses }) =>
      all(unknownKidResponses, 503),
    ),
    'all 200 for cached keys': bodies.every(({ cachedKeyResponses }) =>
      all(cachedKeyResponses, 200),
    ),
    'memory grows by less than 16 MB': bodies.every(
      ({ growthBytes }) => growthBytes < MAX_GROWTH_BYTES,
    ),
    '10,000 keys are rejected also within a larger byte limit': /10000 keys, more than/.test(
      tooManyKeysError,
    ),
  }),

  describe({ bodies }) {
    const each = bodies.map(({ name, unknownKidResponses, growthBytes, isEnded }) => {
      const size = `${(growthBytes / MEBIBYTE).toFixed(0)} MiB`
      return isEnded
        ? `${name}: stopped when it had grown by ${size}`
        : `${name}: unknown kids ${tally(unknownKidResponses)}, grown by ${size}`
    })
    return each.join('; ')
  },
}

/** Sends tokens with unknown kids, so that the API fetches an oversized key set repeatedly. */
async function fetchOversizedKeySets(harness, fault) {
  const issuer = await harness.issuer()
  const api = await harness.api(issuer, { ownProcess: true })
  const token = await warmUp(issuer, api)
  await api.measureMemory()
  issuer.fail(fault)
  const unknownKidResponses = []
  const cachedKeyResponses = []
  for (let attempt = 0; attempt < ATTEMPTS[harness.subject]; attempt++) {
    await api.advance(AFTER_BACK_OFF_MS)
    unknownKidResponses.push(await api.get(withRandomKid(token)))
    if (api.exitMessage !== undefined)
      return { unknownKidResponses, cachedKeyResponses, ...api.exitMessage, isEnded: true }
    cachedKeyResponses.push(await api.get(token))
  }
  const { lastError } = await api.status()
  const growthBytes = await api.memoryGrowth()
  return { unknownKidResponses, cachedKeyResponses, growthBytes, error: lastError }
}

/** Runs every code path first, so that compilation and first use do not count as growth. */
async function warmUp(issuer, api) {
  const token = await newToken(issuer)
  for (let round = 0; round < 3; round++) {
    await times(100, (n) => api.get(n % 2 ? token : withRandomKid(token)))
    issuer.fail('html')
    await api.advance(AFTER_BACK_OFF_MS)
    await api.get(withRandomKid(token))
    issuer.recover()
    await api.advance(AFTER_BACK_OFF_MS)
    await api.get(withRandomKid(token))
  }
  return token
}

async function errorWithLargeLimit(harness) {
  const issuer = await harness.issuer()
  const api = await harness.api(issuer, { jwks: { maxBytes: 16 * MEBIBYTE } })
  issuer.fail('many-keys')
  await api.get(await newToken(issuer))
  return (await api.status()).lastError
}
