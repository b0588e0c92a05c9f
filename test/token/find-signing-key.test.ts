import t, { type Test } from 'tap'
import type { Algorithm } from '../../src/base/algorithms.js'
import { KeysUnavailableError } from '../../src/errors/errors.js'
import { type MaybePromise, unwrap } from '../../src/errors/result.js'
import type { KeySource } from '../../src/keys/key-source.js'
import { importVerificationKey, type VerificationKey } from '../../src/keys/verification-key.js'
import { Counters } from '../../src/observability/statistics.js'
import { parseCompactJws } from '../../src/token/compact-jws.js'
import { findSigningKey } from '../../src/token/find-signing-key.js'
import { KnownHeaders } from '../../src/token/known-headers.js'
import { forge } from '../fixtures/forgery.js'
import { ISSUER, makeKey, type TestKey } from '../fixtures/issuer.js'
import { countThreadPoolVerifications } from '../fixtures/thread-pool.js'

const signers = await Promise.all(['a', 'b', 'c', 'd'].map((kid) => makeKey('RS256', kid)))
const [first, second, third, otherKey] = signers as [TestKey, TestKey, TestKey, TestKey]
const curve = await makeKey('ES256', 'e')
const keys = new Map<TestKey, VerificationKey>()
for (const key of [first, second, third, curve]) {
  keys.set(key, (await importVerificationKey(key.publicJwk)) as VerificationKey)
}
const keyOf = (signer: TestKey) => keys.get(signer) as VerificationKey
const keysOf = (...some: readonly TestKey[]) => some.map(keyOf)

type Found = MaybePromise<readonly VerificationKey[]>

/** Finds the signer of a token among the cached keys and the newer ones. */
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
  return { counters, signer: () => findSigningKey(search) }
}

/** Expects that no key signed the token. */
async function rejects(t: Test, { signer }: ReturnType<typeof search>, title: string) {
  await t.rejects((async () => unwrap(await signer()))(), SIGNATURE, title)
}

function unasked(): never {
  throw new Error('newer keys were requested')
}

const withoutKid = null
const SIGNATURE = {
  name: 'InvalidTokenError',
  message: 'The signature of the access token is invalid',
  check: 'signature',
}
const KEY = {
  name: 'InvalidTokenError',
  message: 'The access token is signed with an unknown key',
  check: 'key',
  expected: 'a key that the issuer publishes, for the algorithm of the token',
  reason: { found: 'none of that kid' },
}

t.test('verifies with one fast key on the event loop', async (t) => {
  const valid = search(first, keysOf(first))
  const pooled = await countThreadPoolVerifications(async () =>
    t.equal(await valid.signer(), keyOf(first)),
  )
  t.equal(pooled, 0)
  t.equal(valid.counters.signatureVerifications, 1)
  await rejects(t, search(otherKey, keysOf(first)), 'an invalid signature')
})

t.test('verifies with one slower key in the thread pool', async (t) => {
  const later = search(curve, keysOf(curve)).signer()
  t.ok(later instanceof Promise)
  t.equal(await later, keyOf(curve))
})

t.test('J15: never tries several keys on the main thread', async (t) => {
  for (const [signer, tries] of [
    [first, 1],
    [second, 2],
    [third, 3],
  ] as const) {
    const several = search(signer, keysOf(first, second, third), undefined, withoutKid)
    const pooled = await countThreadPoolVerifications(async () => {
      const later = several.signer()
      t.ok(later instanceof Promise, 'even if each verifies inline')
      t.equal(await later, keyOf(signer))
    })
    t.equal(pooled, tries)
    t.equal(several.counters.signatureVerifications, tries, 'no key after the signing key')
  }
  const unverifiable = search(otherKey, keysOf(first, second, third))
  await rejects(t, unverifiable, 'no key signed it')
  t.equal(unverifiable.counters.signatureVerifications, 3)
})

t.test('rejects an unknown key without verifying a signature', async (t) => {
  const none = search(first, [], unasked)
  t.match(none.signer(), KEY)
  t.equal(none.counters.signatureVerifications, 0)
})

t.test('tries newer keys if the signature is invalid for the key with the same kid', async (t) => {
  for (const newer of [keysOf(third), Promise.resolve(keysOf(third))]) {
    const replaced = search(third, keysOf(first), () => newer)
    t.equal(await replaced.signer(), keyOf(third))
    t.equal(replaced.counters.signatureVerifications, 2)
  }
  for (const newer of [[], keysOf(second), Promise.resolve(keysOf(second))]) {
    await rejects(
      t,
      search(otherKey, keysOf(first), () => newer),
      'no newer key signed it',
    )
  }
})

t.test('J15: tries newer keys for a token without kid if no cached key signed it', async (t) => {
  for (const newer of [keysOf(third), Promise.resolve(keysOf(third))]) {
    const rotated = search(third, keysOf(first), () => newer, withoutKid)
    t.equal(await rotated.signer(), keyOf(third))
    t.equal(rotated.counters.signatureVerifications, 2)
  }
  for (const newer of [[], keysOf(second), keysOf(second, third)]) {
    for (const found of [newer, Promise.resolve(newer)]) {
      const tried = search(otherKey, keysOf(first), () => found, withoutKid)
      await rejects(t, tried, `${newer.length} newer ones`)
    }
  }
})

t.test('B9: waits for keys that are fetched, and passes on their failure', async (t) => {
  t.equal(await search(first, Promise.resolve(keysOf(first))).signer(), keyOf(first))
  await t.rejects(Promise.resolve(search(first, Promise.resolve([])).signer()), KEY)
  const unavailable = new KeysUnavailableError(ISSUER, 1, undefined)
  const out = search(first, Promise.reject(unavailable))
  await t.rejects(Promise.resolve(out.signer()), unavailable)
})
