import t, { type Test } from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import type { AccessTokenClaims } from '../../src/access-token/access-token-claims.js'
import { standardProfile } from '../../src/issuer/providers/standard.js'
import { checkRevocation } from '../../src/revocation/check-revocation.js'
import { nameOf } from '../../src/revocation/revocation-names.js'
import {
  type Revocation,
  type RevocationListOptions,
  Revocations,
} from '../../src/revocation/revocations.js'
import { ISSUER } from '../fixtures/issuer.js'

const NOW = 1_800_000_000
const DAY = 86_400
const OTHER = 'https://other.example'

function revocations(options: Partial<RevocationListOptions> = {}) {
  const clock = { now: NOW }
  const kept = new Revocations({
    maxEntries: 100,
    maxTokenAge: undefined,
    clockTolerance: 30,
    now: () => clock.now * 1_000 + 999,
    ...options,
  })
  return {
    kept,
    clock,
    revoke: (revocation: Revocation) =>
      kept.add(
        checkRevocation(revocation, clock.now, { trustsSeveral: false, mayTrust: () => true }),
      ),
  }
}

/** Returns a token as the pipeline passes it to {@link Revocations}. */
function token(claims: Partial<AccessTokenClaims> = {}): AccessToken {
  const usual = { iss: ISSUER, sub: 'user-1', jti: 'token-1', sid: 'session-1', client_id: 'app' }
  return new AccessToken({
    raw: 'a.b.c',
    claims: { ...usual, aud: 'api', iat: NOW - 10, exp: NOW + 300, ...claims } as AccessTokenClaims,
    reader: standardProfile,
  })
}

/** Returns a token without `iat`. */
function undated(claims: Partial<AccessTokenClaims> = {}): AccessToken {
  const { iat, ...rest } = token(claims).claims
  return new AccessToken({
    raw: 'a.b.c',
    claims: rest as AccessTokenClaims,
    reader: standardProfile,
  })
}

t.test('B7: each kind of revocation covers the matching tokens, and no others', async (t) => {
  for (const [revocation, others] of [
    [{ jti: 'token-1' }, [{ jti: 'token-2' }, { jti: undefined }, { jti: 'user-1' }]],
    [{ sub: 'user-1' }, [{ sub: 'user-2' }, { sub: undefined }, { sub: 'User-1' }]],
    [{ sid: 'session-1' }, [{ sid: 'session-2' }, { sid: undefined }, { sid: ['session-1'] }]],
    [{ clientId: 'app' }, [{ client_id: 'app2' }, { client_id: undefined }]],
  ] as const) {
    const { kept, revoke } = revocations()
    t.notOk(kept.isRevoked(token()))
    revoke(revocation)
    t.ok(kept.isRevoked(token()), JSON.stringify(revocation))
    t.ok(kept.isRevoked(token({ iss: OTHER })), 'of every issuer')
    for (const other of others) {
      t.notOk(kept.isRevoked(token(other as never)), JSON.stringify([revocation, other]))
    }
  }
})

t.test(
  'values do not collide with another kind, another issuer or a prototype member',
  async (t) => {
    const { kept, revoke } = revocations()
    revoke({ sub: 'token-1' })
    revoke({ sub: `@${ISSUER} user-1` })
    revoke({ sub: 'user-1', issuer: OTHER })
    t.notOk(kept.isRevoked(token()))
    t.ok(kept.isRevoked(token({ iss: OTHER })))
    for (const sub of ['__proto__', 'constructor', 'toString', 'jti']) {
      t.notOk(kept.isRevoked(token({ sub })))
      revoke({ sub })
      t.ok(kept.isRevoked(token({ sub })))
    }
  },
)

t.test('revokes a subject of one issuer, and not the same subject of another', async (t) => {
  const { kept, revoke } = revocations()
  revoke({ sub: 'user-1', issuer: ISSUER, before: NOW })
  t.ok(kept.isRevoked(token()))
  t.notOk(kept.isRevoked(token({ iss: OTHER })))
  revoke({ sub: 'user-1', before: NOW - 100 })
  t.ok(kept.isRevoked(token()), 'the revocation of that issuer is later')
  t.notOk(kept.isRevoked(token({ iss: OTHER })))
  t.ok(kept.isRevoked(token({ iss: OTHER, iat: NOW - 100 })))
})

t.test('revokes only tokens issued up to "before"', async (t) => {
  const { kept, revoke } = revocations()
  revoke({ sub: 'user-1', before: NOW - 50 })
  t.ok(kept.isRevoked(token({ iat: NOW - 51 })))
  t.ok(kept.isRevoked(token({ iat: NOW - 50 })))
  t.ok(kept.isRevoked(token({ iat: NOW - 50 + 0.9 })), 'times are compared in whole seconds')
  t.notOk(kept.isRevoked(token({ iat: NOW - 49 })))
  t.ok(kept.isRevoked(undated()), 'a token without iat counts as issued before')
  t.test('defaults to now, and to no limit for a jti', async (t) => {
    const { kept, revoke } = revocations()
    revoke({ clientId: 'app' })
    t.ok(kept.isRevoked(token({ iat: NOW })))
    t.notOk(kept.isRevoked(token({ iat: NOW + 1 })))
    revoke({ jti: 'token-1' })
    t.ok(kept.isRevoked(token({ iat: NOW + 1 })))
    t.ok(kept.isRevoked(undated()))
  })
})

t.test('rejects a token that was checked before it was revoked', async (t) => {
  const { kept, revoke } = revocations()
  const known = token()
  revoke({ sub: 'user-2' })
  t.notOk(kept.isRevoked(known))
  revoke({ sub: 'user-1', before: NOW - 50 })
  t.notOk(kept.isRevoked(known))
  revoke({ sub: 'user-1', before: NOW - 10 })
  t.ok(kept.isRevoked(known), 'by a revocation that covers more tokens than before')
  const other = token({ sub: 'user-3' })
  t.notOk(kept.isRevoked(other))
  revoke({ sub: 'user-3' })
  t.ok(kept.isRevoked(other))
  for (const [i, revocation] of [
    { jti: 'token-1' },
    { sid: 'session-1', issuer: ISSUER },
    { clientId: 'app' },
  ].entries()) {
    const next = token({ sub: `another-${i}`, jti: `token-${1 + i}`, sid: `session-${i}` })
    const expected = i === 0 || i === 2
    t.notOk(kept.isRevoked(next), 'no revocation of this kind exists')
    revoke(revocation)
    t.equal(kept.isRevoked(next), expected || next.sessionId === 'session-1')
  }
  const name = nameOf('sub', 'user-4', ISSUER)
  const merged = token({ sub: 'user-4', jti: 'x', sid: 'x', client_id: 'x' })
  t.notOk(kept.isRevoked(merged))
  kept.merge({ name, before: NOW, lastIssued: NOW })
  t.ok(kept.isRevoked(merged), 'by another instance')
})

t.test('never narrows a revocation', async (t) => {
  const { kept, revoke, clock } = revocations({ maxEntries: 1 })
  revoke({ sub: 'user-1', before: NOW })
  revoke({ sub: 'user-1', before: NOW - 100 })
  t.ok(kept.isRevoked(token({ iat: NOW })))
  revoke({ sub: 'user-1', before: NOW + 100 })
  t.ok(kept.isRevoked(token({ iat: NOW + 100 })))
  clock.now -= 1_000
  revoke({ sub: 'user-1' })
  t.ok(kept.isRevoked(token({ iat: NOW + 100 })), 'also after the clock was set back')
  clock.now = NOW + 100 + DAY + 60
  t.throws(() => revoke({ sub: 'user-2' }), RangeError)
  t.equal(kept.size, 1)
})

t.test('throws while full, and removes no revocation that is still needed', async (t) => {
  const { kept, revoke, clock } = revocations({ maxEntries: 3 })
  for (const sub of ['a', 'b', 'c']) revoke({ sub })
  t.throws(() => revoke({ sub: 'd' }), {
    name: 'RangeError',
    message:
      'the limit of 3 revocations is reached: raise "revocations.maxEntries", or revoke by ' +
      '"sub" or "clientId" instead of one token at a time',
  })
  revoke({ sub: 'a' })
  t.equal(kept.size, 3, 'a repeated revocation needs no capacity')
  for (const sub of ['a', 'b', 'c']) t.ok(kept.isRevoked(token({ sub })))
  t.notOk(kept.isRevoked(token({ sub: 'd' })))

  t.test('until revocations of expired tokens free capacity', async (t) => {
    clock.now = NOW + DAY + 60
    t.throws(() => revoke({ sub: 'd' }), RangeError)
    clock.now++
    revoke({ sub: 'd' })
    t.equal(kept.size, 1)
    t.ok(kept.isRevoked(token({ sub: 'd', iat: clock.now, exp: clock.now + 1 })))
  })
})

t.test('removes merged revocations once every token that they cover has expired', async (t) => {
  const { kept, clock } = revocations()
  for (let day = 0; day < 20; day++) {
    for (let i = 0; i < 50; i++) {
      const at = clock.now
      const name = nameOf('jti', `${day}-${i}`, undefined)
      kept.merge({ name, before: Number.POSITIVE_INFINITY, lastIssued: at })
    }
    clock.now += DAY
  }
  t.ok(kept.size <= 150, `${kept.size} are kept`)
  const full = revocations()
  for (let i = 0; i < 300; i++) {
    const name = nameOf('jti', `${i}`, undefined)
    full.kept.merge({ name, before: Number.POSITIVE_INFINITY, lastIssued: NOW })
  }
  t.equal(full.kept.size, 300, 'and none before, even beyond maxEntries')
})

t.test('keeps a revocation until the longest-lived token has expired', async (t) => {
  const LONG = 10 * DAY
  const covered = token({ iat: NOW, exp: NOW + LONG })
  /** Adds another revocation to the full list, if it has capacity. */
  const addAnother = ({ revoke }: ReturnType<typeof revocations>) => {
    try {
      revoke({ jti: 'another' })
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  const lastMoment = NOW + LONG + 29

  t.test('that was verified before the revocation', async (t) => {
    const it = revocations({ maxEntries: 1 })
    it.kept.recordLifetime(covered.times)
    it.revoke({ jti: 'token-1' })
    it.clock.now = lastMoment
    addAnother(it)
    t.ok(it.kept.isRevoked(covered), 'also within clockTolerance after exp')
    it.clock.now = NOW + LONG + 61
    addAnother(it)
    t.notOk(it.kept.isRevoked(covered), 'and no longer than necessary')
  })

  t.test('that was verified only after the revocation', async (t) => {
    const it = revocations({ maxEntries: 1 })
    it.revoke({ jti: 'token-1' })
    it.clock.now = NOW + DAY / 2
    it.kept.recordLifetime(covered.times)
    it.clock.now = lastMoment
    addAnother(it)
    t.ok(it.kept.isRevoked(covered))
  })

  t.test('that has no iat', async (t) => {
    const it = revocations({ maxEntries: 1 })
    const token = undated({ exp: NOW + LONG })
    it.revoke({ jti: 'token-1' })
    it.clock.now = NOW + DAY / 2
    it.kept.recordLifetime(token.times)
    t.ok(it.kept.isRevoked(token))
    it.clock.now = lastMoment
    addAnother(it)
    t.ok(it.kept.isRevoked(token))
  })

  t.test('that was issued by a clock ahead of ours, or behind', async (t) => {
    for (const iat of [NOW + 25, NOW - 25]) {
      const it = revocations({ maxEntries: 1 })
      const token_ = token({ iat, exp: iat + LONG })
      it.kept.recordLifetime(token_.times)
      it.revoke({ jti: 'token-1' })
      it.clock.now = iat + LONG + 29
      addAnother(it)
      t.ok(it.kept.isRevoked(token_))
    }
  })

  t.test('that is issued later, if "before" is in the future', async (t) => {
    const it = revocations({ maxEntries: 1 })
    it.revoke({ sub: 'user-1', before: NOW + 5 * DAY })
    it.clock.now = NOW + 5 * DAY + 100
    addAnother(it)
    t.ok(it.kept.isRevoked(token({ iat: NOW + 5 * DAY })))
  })

  t.test('keeps a permanent revocation', async (t) => {
    const it = revocations({ maxEntries: 2 })
    it.revoke({ sub: 'user-1', before: Number.POSITIVE_INFINITY })
    it.revoke({ sub: 'user-2' })
    it.clock.now = NOW + 1_000 * DAY
    it.revoke({ sub: 'user-3' })
    t.ok(it.kept.isRevoked(token({ iat: it.clock.now })))
    t.equal(it.kept.size, 2, 'also removes other expired revocations')
    t.notOk(it.kept.isRevoked(token({ sub: 'user-2' })))
  })
})

t.test('maxTokenAge limits the retention, regardless of exp', async (t) => {
  const { kept, revoke, clock } = revocations({ maxEntries: 1, maxTokenAge: 600 })
  const unlimited = token({ exp: Number.MAX_VALUE })
  kept.recordLifetime(unlimited.times)
  revoke({ jti: 'token-1' })
  t.ok(kept.isRevoked(unlimited))
  clock.now = NOW + 660
  t.throws(() => revoke({ jti: 'token-2' }), RangeError)
  clock.now++
  revoke({ jti: 'token-2' })
  t.equal(kept.size, 1)
})

t.test('removes no revocation with a NaN clock', async (t) => {
  const { kept, revoke, clock } = revocations({ maxEntries: 1 })
  revoke({ jti: 'token-1' })
  clock.now = Number.NaN
  t.throws(() => revoke({ jti: 'token-2' }), RangeError)
  t.throws(() => revoke({ sub: 'user-1' }), TypeError)
  t.ok(kept.isRevoked(token()))
})

t.test('keeps 100,000 revocations', async (t) => {
  const { kept, revoke } = revocations({ maxEntries: 100_000 })
  for (let i = 0; i < 100_000; i++) revoke({ jti: `token-${i}` })
  t.throws(() => revoke({ jti: 'late' }), RangeError)
  t.equal(kept.size, 100_000)
  t.ok(kept.isRevoked(token({ jti: 'token-99999' })))
})

/** Counts the accesses to arrays of times that are created until the end of the test. */
function countAccesses(t: Test): () => number {
  let count = 0
  const counting = (times: Float64Array): Float64Array => {
    const proxy: Float64Array = new Proxy(times, {
      get(target, name) {
        count++
        if (name === 'fill') return (value: number) => target.fill(value) && proxy
        return Reflect.get(target, name)
      },
    })
    return proxy
  }
  const construct = (original: typeof Float64Array, [length]: [number]) =>
    counting(new original(length))
  t.intercept(globalThis, 'Float64Array', { value: new Proxy(Float64Array, { construct }) })
  return () => count
}

t.test('rejects a revocation that exceeds maxEntries without a scan of the others', async (t) => {
  const accesses = countAccesses(t)
  const { revoke } = revocations({ maxEntries: 10_000 })
  for (let i = 0; i < 10_000; i++) revoke({ jti: `token-${i}` })
  const before = accesses()
  t.ok(before > 10_000)
  for (let i = 0; i < 10; i++) t.throws(() => revoke({ jti: `late-${i}` }), RangeError)
  const each = (accesses() - before) / 10
  t.ok(each < 1_000, `${each} accesses each`)
})

t.test('rejects an invalid revocation with a TypeError that states the fix', async (t) => {
  const check = (revocation: unknown, mayTrust = (issuer: string) => issuer === ISSUER) =>
    checkRevocation(revocation as Revocation, NOW, { trustsSeveral: false, mayTrust })
  const oneKind =
    'a revocation must have exactly one of jti, sub, sid, clientId, with a non-empty string as its value'
  for (const revocation of [
    {},
    { jti: '' },
    { jti: undefined },
    { jti: 5 },
    { sub: null },
    { sub: ['user-1'] },
    { jti: 'a', sub: 'b' },
    { jti: undefined, sub: 'b' },
    { before: NOW },
    { issuer: ISSUER },
  ]) {
    t.throws(
      () => check(revocation),
      { name: 'TypeError', message: oneKind },
      JSON.stringify(revocation),
    )
  }
  for (const invalid of [undefined, null, 'token-1', ['jti'], new Map([['jti', 'a']]), () => {}]) {
    const message = 'a revocation must be a plain object'
    t.throws(() => check(invalid), { name: 'TypeError', message })
  }
  t.throws(() => check({ jit: 'a' }), {
    name: 'TypeError',
    message:
      'Unknown option "jit" of a revocation. Did you mean "jti"? Known: jti, sub, sid, clientId, issuer, before',
  })
  for (const before of [NOW * 1_000, 1e12, -1, -Infinity, NaN, `${NOW}`, null, new Date(), true]) {
    t.throws(() => check({ sub: 'a', before }), {
      name: 'TypeError',
      message:
        '"before" of a revocation must be a time in seconds since the epoch, such as Date.now() / 1000',
    })
  }
  for (const issuer of [`${ISSUER}/`, '', 'https://x.example', null, 5, [ISSUER]]) {
    t.throws(() => check({ sub: 'a', issuer }), {
      name: 'TypeError',
      message:
        '"issuer" of a revocation must be a trusted issuer identifier, exactly as in the "iss" of tokens',
    })
  }
  t.same(check({ sub: 'a', issuer: ISSUER, before: undefined }), {
    kind: 'sub',
    value: 'a',
    issuer: ISSUER,
    before: NOW,
    revokedAt: NOW,
  })
})
