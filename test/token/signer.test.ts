import { createHook } from 'node:async_hooks'
import t from 'tap'
import type { Algorithm } from '../../src/base/algorithms.js'
import { KeysUnavailableError } from '../../src/errors/errors.js'
import { type MaybePromise, unwrap } from '../../src/errors/result.js'
import type { KeySource } from '../../src/keys/key-source.js'
import { importVerificationKey, type VerificationKey } from '../../src/keys/verification-key.js'
import { Counters } from '../../src/observability/statistics.js'
import { parseCompactJws } from '../../src/token/compact-jws.js'
import { KnownHeaders } from '../../src/token/known-headers.js'
import { findSigner } from '../../src/token/signer.js'
import { forge } from '../fixtures/forgery.js'
import { ISSUER, makeKey, type TestKey } from '../fixtures/issuer.js'

const signers = await Promise.all(['a', 'b', 'c', 'd'].map((kid) => makeKey('RS256', kid)))
const [first, second, third, stranger] = signers as [TestKey, TestKey, TestKey, TestKey]
const curve = await makeKey('ES256', 'e')
const keys = new Map<TestKey, VerificationKey>()
for (const key of [first, second, third, curve]) {
  keys.set(key, (await importVerificationKey(key.publicJwk)) as VerificationKey)
}
const keyOf = (signer: TestKey) => keys.get(signer) as VerificationKey
const keysOf = (...some: readonly TestKey[]) => some.map(keyOf)

type Found = MaybePromise<readonly VerificationKey[]>

/** Looks for whoever signed a token, among the keys at hand and the newer ones. */
function search(signer: TestKey, found: Found, newer: () => Found = () => [], kid?: null) {
  const counters = new Counters()
  const raw = forge(signer, kid === null ? { header: { kid: undefined } } : {})
  const source = {
    find: () => found,
    findNewer: newer,
    whyNot: () => 'none of that kid',
  } as unknown as KeySource
  const search = {
    jws: unwrap(parseCompactJws(raw, 8_192, new KnownHeaders())),
    algorithm: signer.alg as Algorithm,
    source,
    counters,
  }
  return { counters, signer: () => findSigner(search) }
}

function unasked(): never {
  throw new Error('nobody asks for newer keys')
}

const withoutKid = null
const SIGNATURE = {
  name: 'InvalidTokenError',
  message: 'The signature of the access token is not valid',
  check: 'signature',
}
const KEY = {
  name: 'InvalidTokenError',
  message: 'The access token is signed with an unknown key',
  check: 'key',
  expected: 'a key that the issuer publishes, for the algorithm of the token',
  reason: { found: 'none of that kid' },
}

t.test('one quick key at hand is asked at once, and nobody waits', async (t) => {
  const good = search(first, keysOf(first))
  const pooled = await inThreadPool(() => t.equal(good.signer(), keyOf(first), 'no promise'))
  t.equal(pooled, 0)
  t.equal(good.counters.signatureVerifications, 1)
  t.match(search(stranger, keysOf(first)).signer(), SIGNATURE)
})

t.test('one slower key is asked in the thread pool', async (t) => {
  const later = search(curve, keysOf(curve)).signer()
  t.ok(later instanceof Promise)
  t.equal(await later, keyOf(curve))
})

/** How many signatures were verified in the thread pool, and told of afterwards. */
async function inThreadPool(work: () => unknown): Promise<number> {
  const jobs = new Set<number>()
  let done = 0
  const hook = createHook({
    init(id, type) {
      if (type === 'SIGNREQUEST') jobs.add(id)
    },
    before(id) {
      if (jobs.has(id)) done++
    },
  }).enable()
  await work()
  hook.disable()
  return done
}

t.test('J15: several keys are never tried on the main thread', async (t) => {
  for (const [signer, tries] of [
    [first, 1],
    [second, 2],
    [third, 3],
  ] as const) {
    const several = search(signer, keysOf(first, second, third), undefined, withoutKid)
    const pooled = await inThreadPool(async () => {
      const later = several.signer()
      t.ok(later instanceof Promise, 'however quick they are')
      t.equal(await later, keyOf(signer))
    })
    t.equal(pooled, tries)
    t.equal(several.counters.signatureVerifications, tries, 'and none after the one that signed')
  }
  const bad = search(stranger, keysOf(first, second, third))
  await t.rejects(Promise.resolve(bad.signer()), SIGNATURE)
  t.equal(bad.counters.signatureVerifications, 3)
})

t.test('no key at hand is an unknown one, and costs no verification', async (t) => {
  const none = search(first, [], unasked)
  t.match(none.signer(), KEY)
  t.equal(none.counters.signatureVerifications, 0)
})

t.test('a known kid with a bad signature may be that of a newer key', async (t) => {
  for (const newer of [keysOf(third), Promise.resolve(keysOf(third))]) {
    const replaced = search(third, keysOf(first), () => newer)
    t.equal(await replaced.signer(), keyOf(third))
    t.equal(replaced.counters.signatureVerifications, 2)
  }
  t.match(search(stranger, keysOf(first), () => []).signer(), SIGNATURE, 'at once')
  const tried = search(stranger, keysOf(first), () => Promise.resolve(keysOf(second))).signer()
  await t.rejects(Promise.resolve(tried), SIGNATURE)
})

t.test('J15: without kid, newer keys are looked at where none at hand signed', async (t) => {
  for (const newer of [keysOf(third), Promise.resolve(keysOf(third))]) {
    const rotated = search(third, keysOf(first), () => newer, withoutKid)
    t.equal(await rotated.signer(), keyOf(third))
    t.equal(rotated.counters.signatureVerifications, 2)
  }
  for (const newer of [[], keysOf(second), keysOf(second, third)]) {
    const tried = (newer: Found) =>
      search(stranger, keysOf(first), () => newer, withoutKid).signer()
    const title = `${newer.length} newer ones`
    await t.rejects(Promise.resolve(tried(Promise.resolve(newer))), SIGNATURE, title)
    if (newer.length > 1) await t.rejects(Promise.resolve(tried(newer)), SIGNATURE, title)
    else t.match(tried(newer), SIGNATURE, `${title}, at once`)
  }
})

t.test('B9: keys that must be waited for are waited for, and may be out of reach', async (t) => {
  t.equal(await search(first, Promise.resolve(keysOf(first))).signer(), keyOf(first))
  await t.rejects(Promise.resolve(search(first, Promise.resolve([])).signer()), KEY)
  const unavailable = new KeysUnavailableError(ISSUER, 1, undefined)
  const out = search(first, Promise.reject(unavailable))
  await t.rejects(Promise.resolve(out.signer()), unavailable)
})
