import t from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import type { AccessTokenClaims } from '../../src/access-token/access-token-claims.js'
import { standardProfile } from '../../src/issuer/providers/standard.js'
import { checkRevocation } from '../../src/revocation/check-revocation.js'
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

/** The token as the pipeline hands it on, which tells of each one that it verified first. */
function token(claims: Partial<AccessTokenClaims> = {}): AccessToken {
  const usual = { iss: ISSUER, sub: 'user-1', jti: 'token-1', sid: 'session-1', client_id: 'app' }
  return new AccessToken({
    raw: 'a.b.c',
    claims: { ...usual, aud: 'api', iat: NOW - 10, exp: NOW + 300, ...claims } as AccessTokenClaims,
    reader: standardProfile,
  })
}

/** One that was issued nobody says when. */
function undated(claims: Partial<AccessTokenClaims> = {}): AccessToken {
  const { iat, ...rest } = token(claims).claims
  return new AccessToken({
    raw: 'a.b.c',
    claims: rest as AccessTokenClaims,
    reader: standardProfile,
  })
}

t.test('B7: each kind of revocation covers the tokens that it names, and no others', async (t) => {
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
    t.ok(kept.isRevoked(token({ iss: OTHER })), 'of whichever issuer')
    for (const other of others) {
      t.notOk(kept.isRevoked(token(other as never)), JSON.stringify([revocation, other]))
    }
  }
})

t.test('no value stands for another kind, another issuer, or a prototype', async (t) => {
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
})

t.test('two issuers may have the same subject: one is revoked, the other is not', async (t) => {
  const { kept, revoke } = revocations()
  revoke({ sub: 'user-1', issuer: ISSUER, before: NOW })
  t.ok(kept.isRevoked(token()))
  t.notOk(kept.isRevoked(token({ iss: OTHER })))
  revoke({ sub: 'user-1', before: NOW - 100 })
  t.ok(kept.isRevoked(token()), 'the one of that issuer still reaches further')
  t.notOk(kept.isRevoked(token({ iss: OTHER })))
  t.ok(kept.isRevoked(token({ iss: OTHER, iat: NOW - 100 })))
})

t.test('before: only tokens that were issued until then', async (t) => {
  const { kept, revoke } = revocations()
  revoke({ sub: 'user-1', before: NOW - 50 })
  t.ok(kept.isRevoked(token({ iat: NOW - 51 })))
  t.ok(kept.isRevoked(token({ iat: NOW - 50 })))
  t.ok(kept.isRevoked(token({ iat: NOW - 50 + 0.9 })), 'times are compared in whole seconds')
  t.notOk(kept.isRevoked(token({ iat: NOW - 49 })))
  t.ok(kept.isRevoked(undated()), 'one without iat counts as issued before')
  t.test('is now by default, and of no account for a jti', async (t) => {
    const { kept, revoke } = revocations()
    revoke({ clientId: 'app' })
    t.ok(kept.isRevoked(token({ iat: NOW })))
    t.notOk(kept.isRevoked(token({ iat: NOW + 1 })))
    revoke({ jti: 'token-1' })
    t.ok(kept.isRevoked(token({ iat: NOW + 1 })))
    t.ok(kept.isRevoked(undated()))
  })
})

t.test('a revocation is never narrowed', async (t) => {
  const { kept, revoke, clock } = revocations({ maxEntries: 1 })
  revoke({ sub: 'user-1', before: NOW })
  revoke({ sub: 'user-1', before: NOW - 100 })
  t.ok(kept.isRevoked(token({ iat: NOW })))
  revoke({ sub: 'user-1', before: NOW + 100 })
  t.ok(kept.isRevoked(token({ iat: NOW + 100 })))
  clock.now -= 1_000
  revoke({ sub: 'user-1' })
  t.ok(kept.isRevoked(token({ iat: NOW + 100 })), 'nor by a clock that was set back')
  clock.now = NOW + 100 + DAY + 60
  t.throws(() => revoke({ sub: 'user-2' }), RangeError)
  t.equal(kept.size, 1)
})

t.test('where there is no room, nothing is forgotten', async (t) => {
  const { kept, revoke, clock } = revocations({ maxEntries: 3 })
  for (const sub of ['a', 'b', 'c']) revoke({ sub })
  t.throws(() => revoke({ sub: 'd' }), {
    name: 'RangeError',
    message:
      'the limit of 3 revocations is reached: raise "revocations.maxEntries", or revoke by ' +
      '"sub" or "clientId" instead of one token at a time',
  })
  revoke({ sub: 'a' })
  t.equal(kept.size, 3, 'the same again needs no room')
  for (const sub of ['a', 'b', 'c']) t.ok(kept.isRevoked(token({ sub })))
  t.notOk(kept.isRevoked(token({ sub: 'd' })))

  t.test('until what no token can be alive for makes room', async (t) => {
    clock.now = NOW + DAY + 60
    t.throws(() => revoke({ sub: 'd' }), RangeError)
    clock.now++
    revoke({ sub: 'd' })
    t.equal(kept.size, 1)
    t.ok(kept.isRevoked(token({ sub: 'd', iat: clock.now, exp: clock.now + 1 })))
  })
})

t.test('what is only heard of goes as well when no token can be alive for it', async (t) => {
  const { kept, clock } = revocations()
  for (let day = 0; day < 20; day++) {
    for (let i = 0; i < 50; i++) {
      const at = clock.now
      kept.merge({ name: `jti ${day}-${i}`, before: Number.POSITIVE_INFINITY, lastIssued: at })
    }
    clock.now += DAY
  }
  t.ok(kept.size <= 150, `${kept.size} are kept`)
  const crowd = revocations()
  for (let i = 0; i < 300; i++) {
    crowd.kept.merge({ name: `jti ${i}`, before: Number.POSITIVE_INFINITY, lastIssued: NOW })
  }
  t.equal(crowd.kept.size, 300, 'and nothing before, whether there is room or not')
})

t.test('a revocation outlives the longest token', async (t) => {
  const LONG = 10 * DAY
  const covered = token({ iat: NOW, exp: NOW + LONG })
  /** Fills the only place with something else, if that is possible. */
  const pushOut = ({ revoke }: ReturnType<typeof revocations>) => {
    try {
      revoke({ jti: 'another' })
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  const lastMoment = NOW + LONG + 29

  t.test('that was seen before it was revoked', async (t) => {
    const it = revocations({ maxEntries: 1 })
    it.kept.recordLifetime(covered.times)
    it.revoke({ jti: 'token-1' })
    it.clock.now = lastMoment
    pushOut(it)
    t.ok(it.kept.isRevoked(covered), 'also while the tolerance lets it live on')
    it.clock.now = NOW + LONG + 61
    pushOut(it)
    t.notOk(it.kept.isRevoked(covered), 'and no longer than needed')
  })

  t.test('that was seen in the middle of its life only', async (t) => {
    const it = revocations({ maxEntries: 1 })
    it.revoke({ jti: 'token-1' })
    it.clock.now = NOW + DAY / 2
    it.kept.recordLifetime(covered.times)
    it.clock.now = lastMoment
    pushOut(it)
    t.ok(it.kept.isRevoked(covered))
  })

  t.test('that does not say when it was issued', async (t) => {
    const it = revocations({ maxEntries: 1 })
    const token = undated({ exp: NOW + LONG })
    it.revoke({ jti: 'token-1' })
    it.clock.now = NOW + DAY / 2
    it.kept.recordLifetime(token.times)
    t.ok(it.kept.isRevoked(token))
    it.clock.now = lastMoment
    pushOut(it)
    t.ok(it.kept.isRevoked(token))
  })

  t.test('that was issued by a clock ahead of ours, or behind', async (t) => {
    for (const iat of [NOW + 25, NOW - 25]) {
      const it = revocations({ maxEntries: 1 })
      const token_ = token({ iat, exp: iat + LONG })
      it.kept.recordLifetime(token_.times)
      it.revoke({ jti: 'token-1' })
      it.clock.now = iat + LONG + 29
      pushOut(it)
      t.ok(it.kept.isRevoked(token_))
    }
  })

  t.test('that is issued later, where "before" is in the future', async (t) => {
    const it = revocations({ maxEntries: 1 })
    it.revoke({ sub: 'user-1', before: NOW + 5 * DAY })
    it.clock.now = NOW + 5 * DAY + 100
    pushOut(it)
    t.ok(it.kept.isRevoked(token({ iat: NOW + 5 * DAY })))
  })

  t.test('and one without an end outlives them all', async (t) => {
    const it = revocations({ maxEntries: 2 })
    it.revoke({ sub: 'user-1', before: Number.POSITIVE_INFINITY })
    it.revoke({ sub: 'user-2' })
    it.clock.now = NOW + 1_000 * DAY
    it.revoke({ sub: 'user-3' })
    t.ok(it.kept.isRevoked(token({ iat: it.clock.now })))
    t.equal(it.kept.size, 2, 'and stands in nobody’s way')
    t.notOk(it.kept.isRevoked(token({ sub: 'user-2' })))
  })
})

t.test('maxTokenAge bounds how long one is kept, whatever exp says', async (t) => {
  const { kept, revoke, clock } = revocations({ maxEntries: 1, maxTokenAge: 600 })
  const endless = token({ exp: Number.MAX_VALUE })
  kept.recordLifetime(endless.times)
  revoke({ jti: 'token-1' })
  t.ok(kept.isRevoked(endless))
  clock.now = NOW + 660
  t.throws(() => revoke({ jti: 'token-2' }), RangeError)
  clock.now++
  revoke({ jti: 'token-2' })
  t.equal(kept.size, 1)
})

t.test('a clock that tells no time forgets nothing', async (t) => {
  const { kept, revoke, clock } = revocations({ maxEntries: 1 })
  revoke({ jti: 'token-1' })
  clock.now = Number.NaN
  t.throws(() => revoke({ jti: 'token-2' }), RangeError)
  t.throws(() => revoke({ sub: 'user-1' }), TypeError)
  t.ok(kept.isRevoked(token()))
})

t.test('a hundred thousand revocations are kept, and one more costs little', async (t) => {
  const { kept, revoke } = revocations({ maxEntries: 100_000 })
  for (let i = 0; i < 100_000; i++) revoke({ jti: `token-${i}` })
  const start = performance.now()
  for (let i = 0; i < 1_000; i++) t.throws(() => revoke({ jti: `late-${i}` }), RangeError)
  // A look at all of them each time would take several seconds.
  t.ok(performance.now() - start < 2_000)
  t.equal(kept.size, 100_000)
  t.ok(kept.isRevoked(token({ jti: 'token-99999' })))
})

t.test('a revocation that makes no sense is a TypeError that says the mend', async (t) => {
  const check = (revocation: unknown, mayTrust = (issuer: string) => issuer === ISSUER) =>
    checkRevocation(revocation as Revocation, NOW, { trustsSeveral: false, mayTrust })
  const one = 'a revocation must have exactly one of jti, sub, sid, clientId, a non-empty string'
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
      { name: 'TypeError', message: one },
      JSON.stringify(revocation),
    )
  }
  for (const nothing of [undefined, null, 'token-1', ['jti'], new Map([['jti', 'a']]), () => {}]) {
    t.throws(() => check(nothing), { name: 'TypeError', message: 'a revocation must be an object' })
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
