import { createSecretKey, randomBytes } from 'node:crypto'
import t from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import type { Algorithm } from '../../src/base/algorithms.js'
import { Binding } from '../../src/binding/binding.js'
import { KeysUnavailableError } from '../../src/errors/errors.js'
import { createResourceServer, InvalidTokenError } from '../../src/index.js'
import { ConfiguredIssuers } from '../../src/issuer/configured-issuers.js'
import { PROVIDERS } from '../../src/issuer/providers/providers.js'
import type { KeySource } from '../../src/keys/key-source.js'
import { importVerificationKey, type VerificationKey } from '../../src/keys/verification-key.js'
import { Counters } from '../../src/observability/statistics.js'
import { Pipeline, type PipelineOptions } from '../../src/pipeline/pipeline.js'
import { Revocations } from '../../src/revocation/revocations.js'
import { accepts, forge, goodClaims, NOW, outcome, rejects, signed } from '../fixtures/forgery.js'
import { AUDIENCE, base64url, ISSUER, makeKey } from '../fixtures/issuer.js'

const key = await makeKey('ES256')
const verificationKey = (await importVerificationKey(key.publicJwk)) as VerificationKey

/** Keys that count look-ups, and can be withdrawn or unavailable. */
class WatchedKeys implements KeySource {
  lookups = 0
  closed = 0
  trusted = true
  failure: Error | undefined
  gate: Promise<void> | undefined
  candidates: readonly VerificationKey[] = [verificationKey]
  newer: readonly VerificationKey[] = []

  find(algorithm: Algorithm): readonly VerificationKey[] | Promise<readonly VerificationKey[]> {
    this.lookups++
    if (this.failure !== undefined) throw this.failure
    const found = this.candidates.filter(({ algorithms }) => algorithms.has(algorithm))
    return this.gate === undefined ? found : this.gate.then(() => found)
  }

  findNewer(): readonly VerificationKey[] {
    return this.newer
  }

  whyNot(): string {
    return 'no key'
  }

  trusts(): boolean {
    return this.trusted
  }

  async refresh(): Promise<void> {}

  renew(): void {}

  prefetch(): void {}

  status(): never {
    throw new Error('the pipeline never calls it')
  }

  async close(): Promise<void> {
    this.closed++
  }
}

interface Watched {
  readonly pipeline: Pipeline
  readonly keys: WatchedKeys
  /** Seconds since the epoch. */
  now: number
}

function watched(options: Partial<PipelineOptions> = {}): Watched {
  const keys = new WatchedKeys()
  const profile = PROVIDERS.standard.profile(new Set())
  const issuers = new ConfiguredIssuers([
    {
      issuer: ISSUER,
      algorithms: new Set<Algorithm>(['ES256', 'HS256']),
      profile,
      requiredClaims: [],
      expectations: {
        audience: new Set([AUDIENCE]),
        claimsInsteadOfAudience: undefined,
        ...profile,
      },
      keys,
      introspection: undefined,
    },
  ])
  const it: Watched = {
    keys,
    now: NOW,
    pipeline: new Pipeline({
      issuers,
      binding: new Binding({ dpop: 'off', mtls: 'off' }, undefined),
      limits: { clockTolerance: 30, maxTokenAge: undefined },
      hierarchy: undefined,
      maxTokenLength: 8_192,
      decrypter: undefined,
      counters: new Counters(),
      revocations: new Revocations({
        maxEntries: 9,
        maxTokenAge: undefined,
        clockTolerance: 30,
        now: () => it.now * 1000,
      }),
      tokenCache: { maxEntries: 100, maxBytes: 10_000_000 },
      now: () => it.now * 1000 + 999,
      ...options,
    }),
  }
  return it
}

t.test('J5: looks up no key for a token of an untrusted issuer', async (t) => {
  const { pipeline, keys } = watched()
  for (const iss of [
    undefined,
    null,
    '',
    0,
    true,
    [],
    [ISSUER],
    {},
    { toString: ISSUER },
    `${ISSUER}/`,
    ISSUER.toUpperCase(),
    ` ${ISSUER}`,
    `${ISSUER}\0`,
    ISSUER.slice(0, -1),
    'https://evil.example',
    '__proto__',
    'constructor',
  ]) {
    const raw = forge(key, { claims: { iss }, header: { alg: 'none' } })
    await rejects(t, pipeline, raw, 'issuer', `iss: ${JSON.stringify(iss)}`)
  }
  t.equal(keys.lookups, 0)
})

t.test('J1: looks up no key for an algorithm that is not allowed', async (t) => {
  const { pipeline, keys } = watched()
  for (const alg of ['none', 'RS256', 'es256', 'ES256 ', 'HS512', '', '__proto__', 'constructor']) {
    await rejects(t, pipeline, forge(key, { header: { alg } }), 'algorithm', `alg: "${alg}"`)
  }
  t.equal(keys.lookups, 0)
})

t.test('looks up no key for a malformed or oversized token', async (t) => {
  const { pipeline, keys } = watched()
  const valid = forge(key)
  for (const raw of ['x', '..', `${valid}=`, `${valid}.`, 'x'.repeat(1_048_576)]) {
    await rejects(t, pipeline, raw, 'token')
  }
  t.equal(keys.lookups, 0)
})

t.test('looks up no key for a token whose claims are rejected', async (t) => {
  const { pipeline, keys } = watched()
  const table = [
    ['expiry', { exp: 1 }],
    ['audience', { aud: 'x' }],
    ['claims', { exp: undefined }],
    ['binding', { cnf: {} }],
    ['type', { at_hash: '' }],
  ] as const
  for (const [check, claims] of table) {
    await rejects(t, pipeline, forge(key, { claims }), check)
    const [header, payload] = forge(key, { claims }).split('.')
    const [, , signature] = forge(key).split('.')
    await rejects(t, pipeline, [header, payload, signature].join('.'), check)
  }
  t.equal(keys.lookups, 0)
})

t.test('P3: rejects a token with any cnf if no proof is supported', async (t) => {
  const { pipeline } = watched()
  for (const cnf of [
    { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' },
    { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' },
    { jwk: {} },
    { kid: 'x' },
    { unknown: 1 },
    {},
    [],
    '',
    'x',
    0,
    false,
    null,
  ]) {
    await rejects(t, pipeline, forge(key, { claims: { cnf } }), 'binding', JSON.stringify(cnf))
  }
  await accepts(
    t,
    pipeline,
    forge(key, { claims: { act: { sub: 'x', cnf: {} } } }),
    'elsewhere it is a claim',
  )
})

t.test('returns a cached token synchronously, without a key look-up', async (t) => {
  const { pipeline, keys } = watched()
  const raw = forge(key)
  const first = pipeline.verify(raw)
  t.ok(first instanceof Promise)
  const token = await first
  t.equal(pipeline.verify(raw), token)
  t.equal(pipeline.verify(`${raw} `.trim()), token, 'another string of the same characters')
  t.equal(keys.lookups, 1)
})

t.test('verifies a token on each use without a cache', async (t) => {
  const { pipeline, keys } = watched({ tokenCache: undefined })
  const raw = forge(key)
  const first = await pipeline.verify(raw)
  const second = await pipeline.verify(raw)
  t.not(first, second)
  t.equal(keys.lookups, 2)
})

t.test('concurrent first uses of one token share one verification', async (t) => {
  for (const tokenCache of [undefined, { maxEntries: 9, maxBytes: 10_000_000 }]) {
    const { pipeline, keys } = watched({ tokenCache })
    let open = () => {}
    keys.gate = new Promise((resolve) => {
      open = resolve
    })
    const raw = forge(key)
    const other = forge(key, { claims: { jti: 'other' } })
    const waiting = Array.from({ length: 100 }, () => pipeline.verify(raw))
    const another = pipeline.verify(other)
    open()
    const tokens = new Set(await Promise.all(waiting))
    t.equal(tokens.size, 1)
    t.strictSame(
      [...tokens, await another].map((token) => token instanceof AccessToken && token.claims.jti),
      [goodClaims().jti, 'other'],
    )
    t.equal(keys.lookups, 2, 'once a token')
  }
})

t.test(
  'concurrent uses of an invalid token share one verification and get an error each',
  async (t) => {
    const { pipeline, keys } = watched()
    const invalid = forge(await makeKey('ES256'))
    const errorsOfTen = async () => {
      const sights = Array.from({ length: 10 }, async () => pipeline.verify(invalid))
      return (await Promise.allSettled(sights)).map(
        (one) => one.status === 'rejected' && one.reason,
      )
    }
    const rejections = await errorsOfTen()
    t.equal(new Set(rejections).size, 10, 'error handlers may mutate one')
    t.strictSame([...new Set(rejections.map(({ check }) => check))], ['signature'])
    t.equal(keys.lookups, 1)
    await rejects(t, pipeline, invalid, 'signature', 'again')
    t.equal(keys.lookups, 2, 'a failure is not cached')

    keys.gate = Promise.reject(new KeysUnavailableError(ISSUER, 5, new Error('down')))
    const outages = await errorsOfTen()
    t.ok(outages.every((error) => error instanceof KeysUnavailableError))
    t.equal(keys.lookups, 12, 'without a result, each request retries')
  },
)

t.test('caches no failure: the token is accepted once the reason is gone', async (t) => {
  const { pipeline, keys } = watched()
  const raw = forge(key)
  keys.candidates = []
  await rejects(t, pipeline, raw, 'key', 'an unknown key')
  keys.candidates = [verificationKey]
  keys.failure = new KeysUnavailableError(ISSUER, 5, new Error('down'))
  await t.rejects(async () => pipeline.verify(raw), KeysUnavailableError)
  keys.failure = undefined
  await accepts(t, pipeline, raw, 'once it is there')

  const early = watched()
  const future = forge(key, { claims: { nbf: NOW + 60 } })
  await rejects(t, early.pipeline, future, 'not-before', 'too early')
  early.now += 60
  await accepts(t, early.pipeline, future, 'in time')
})

t.test('B9: rejects a cached token with 503, not 401, while keys are unavailable', async (t) => {
  const { pipeline, keys } = watched()
  const raw = forge(key)
  await pipeline.verify(raw)
  keys.trusted = false
  keys.failure = new KeysUnavailableError(ISSUER, 5, new Error('down'))
  await t.rejects(async () => pipeline.verify(raw), KeysUnavailableError)
})

t.test('rejects a cached token once its key is withdrawn', async (t) => {
  const { pipeline, keys } = watched()
  const raw = forge(key)
  await pipeline.verify(raw)
  keys.trusted = false
  keys.candidates = []
  await rejects(t, pipeline, raw, 'key', 'its key was removed')
})

t.test('J12: a cached token gets the result of a new verification at any time', async (t) => {
  const claims = { nbf: NOW - 20, iat: NOW - 10, exp: NOW + 300 }
  const raw = forge(key, { claims })
  const ageless = forge(key, { claims: { ...claims, iat: undefined } })
  for (const maxTokenAge of [undefined, 60]) {
    const limits = { clockTolerance: 30, maxTokenAge }
    const cached = watched({ limits })
    const fresh = watched({ limits, tokenCache: undefined })
    await cached.pipeline.verify(raw)
    if (maxTokenAge === undefined) await cached.pipeline.verify(ageless)
    const seen = new Set<string>()
    // Around the limits of nbf, iat, maxTokenAge and exp, with the tolerance.
    for (const seconds of [-50, -40, 80, 330].flatMap((at) =>
      [-9, -2, -1, 0, 1, 2].map((d) => at + d),
    )) {
      cached.now = fresh.now = NOW + seconds
      for (const one of [raw, ageless]) {
        const [a, b] = [await outcome(cached.pipeline, one), await outcome(fresh.pipeline, one)]
        if (a !== b) t.fail(`${seconds} s: ${a} from the cache, ${b} afresh`)
        seen.add(a)
      }
    }
    t.strictSame(
      [...seen].sort(),
      maxTokenAge === undefined
        ? ['accepted', 'expiry', 'issued-at', 'not-before']
        : ['accepted', 'age', 'expiry', 'issued-at', 'not-before'],
    )
  }
})

t.test('J12: rejects a cached token that expired before its second use', async (t) => {
  const it = watched()
  const raw = forge(key)
  await accepts(t, it.pipeline, raw, 'the first')
  it.now = NOW + 329
  await accepts(t, it.pipeline, raw, 'within the tolerance')
  it.now = NOW + 330
  t.match(it.pipeline.verify(raw), { name: 'InvalidTokenError', check: 'expiry' }, 'immediately')
})

t.test('distinguishes tokens with the same end', async (t) => {
  const secret = { alg: 'HS256', privateKey: createSecretKey(randomBytes(32)) }
  const it = watched()
  it.keys.candidates = [
    {
      kid: undefined,
      algorithms: new Set<Algorithm>(['HS256']),
      material: secret.privateKey,
      verifiesInline: true,
      issuer: undefined,
      fingerprint: '',
    },
  ]
  // The signature has 43 characters, and the cache compares its end first.
  const raw = forge(secret)
  const token = await it.pipeline.verify(raw)
  const [header, , signature] = raw.split('.')
  const admin = [header, base64url(goodClaims({ sub: 'admin' })), signature].join('.')
  await rejects(t, it.pipeline, admin, 'signature', 'other claims under a known signature')
  await rejects(t, it.pipeline, `x${raw}`, 'token', 'more before it')
  await rejects(t, it.pipeline, raw.slice(-43), 'token', 'the end alone')
  t.equal(it.pipeline.verify(raw), token, 'the valid token is still cached')
})

t.test('J15: tries the next key if one cannot verify the signature', async (t) => {
  const it = watched()
  const broken = { ...verificationKey, material: (await makeKey('RS256')).privateKey }
  it.keys.candidates = [broken, verificationKey]
  await accepts(t, it.pipeline, forge(key), 'the second key')
  it.keys.candidates = [broken]
  await rejects(t, it.pipeline, forge(key), 'signature', 'a key that cannot verify at all')
})

t.test('close() closes every key source', async (t) => {
  const [one, other] = [new WatchedKeys(), new WatchedKeys()]
  const profile = PROVIDERS.standard.profile(new Set())
  const issuer = {
    algorithms: new Set<Algorithm>(),
    profile,
    requiredClaims: [],
    expectations: { audience: new Set<string>(), claimsInsteadOfAudience: undefined, ...profile },
    introspection: undefined,
  }
  new ConfiguredIssuers([
    { ...issuer, issuer: ISSUER, keys: one },
    { ...issuer, issuer: 'https://other.example', keys: other },
  ]).close()
  t.strictSame([one.closed, other.closed], [1, 1])
})

t.test(
  'verifies the tokens of two issuers with their own keys, algorithms, audience and profile',
  async (t) => {
    const [ours, theirs] = [await makeKey('ES256', 'same'), await makeKey('ES256', 'same')]
    const OTHER = 'https://other.example'
    const server = await createResourceServer({
      now: () => NOW * 1000,
      audience: AUDIENCE,
      issuer: [
        { issuer: ISSUER, jwks: { keys: [ours.publicJwk] } },
        {
          issuer: OTHER,
          profile: 'rfc9068',
          audience: 'api://other',
          jwks: { keys: [theirs.publicJwk] },
        },
      ],
    })
    const other = { iss: OTHER, aud: 'api://other' }
    await accepts(t, server, forge(ours), 'ours')
    await accepts(t, server, forge(theirs, { claims: other }), 'theirs')
    await rejects(
      t,
      server,
      forge(theirs),
      'signature',
      'J6: their key under our kid, as our issuer',
    )
    await rejects(t, server, forge(ours, { claims: other }), 'signature', 'J6: and the other way')
    await rejects(t, server, forge(theirs, { claims: { iss: OTHER } }), 'audience', 'our audience')
    const bare = { claims: other, header: { typ: undefined } }
    await rejects(t, server, forge(theirs, bare), 'type', 'their profile')
    const [header, payload] = forge(ours).split('.')
    await accepts(t, server, signed(ours, `${header}.${payload}`), 'afterwards as before')
    const error = await server.verify(forge(ours, { claims: { iss: 'x' } })).catch((e) => e)
    t.ok(error instanceof InvalidTokenError)
    t.equal(error.reason.expected, `${ISSUER} or ${OTHER}`)
    t.equal(error.message, 'The access token is from an issuer that is not trusted here')
  },
)
