import t from 'tap'
import { importKeySet } from '../../src/keys/key-set.js'
import { noKeys, sharedSecret, staticKeySet } from '../../src/keys/static-keys.js'
import type { VerificationKey } from '../../src/keys/verification-key.js'
import { ISSUER, makeKey } from '../fixtures/issuer.js'

const EC = (await makeKey('ES256', 'ec')).publicJwk
const RSA = (await makeKey('RS256', 'rsa')).publicJwk
const ED = (await makeKey('Ed25519', 'ed')).publicJwk

t.test('a key set known in advance', async (t) => {
  const source = await staticKeySet(ISSUER, { keys: [EC, RSA] }, 100)
  const found = source.find('ES256', 'ec') as readonly VerificationKey[]
  t.match(found, [{ kid: 'ec' }])
  t.equal(found.length, 1)
  t.strictSame(source.find('ES256', 'rsa'), [], 'of another key type')
  t.strictSame(source.find('ES256', 'other'), [], 'unknown, without a fetch')
  t.equal((source.find('ES256', undefined) as readonly VerificationKey[]).length, 1)
  for (const key of found) t.ok(source.trusts(key), 'permanently')
  await source.refresh()
  source.renew()
  source.prefetch()
  t.strictSame(source.find('ES256', 'ec'), found, 'fetches nothing')
  source.close()
  t.strictSame(source.find('ES256', 'ec'), found, 'also when closed')
})

t.test('reports which keys are unusable, and why', async (t) => {
  const reported: unknown[] = []
  const onSkipped = (skipped: unknown) => void reported.push(skipped)
  const source = await staticKeySet(ISSUER, { keys: [EC, { ...RSA, use: 'enc' }] }, 9, onSkipped)
  t.match(reported, [[{ kid: '"rsa"', reason: /"enc"/ }]])
  t.match(source.whyNot('RS256', 'rsa'), /cannot be used/)
  await staticKeySet(ISSUER, { keys: [EC] }, 9, onSkipped)
  t.equal(reported.length, 1)
  await staticKeySet(ISSUER, { keys: [EC, {}] }, 9)
  const secret = sharedSecret(ISSUER, Buffer.alloc(32), ['HS256'])
  t.equal(secret.whyNot('HS512', 'any'), 'a shared secret for HS256 only')
})

t.test('uses a shared secret as the only key, regardless of kid', async (t) => {
  const secret = new TextEncoder().encode('s'.repeat(64))
  const source = sharedSecret(ISSUER, secret, ['HS256', 'HS512'])
  const [key] = source.find('HS256', undefined) as readonly VerificationKey[]
  t.equal(key?.material.type, 'secret')
  for (const kid of [undefined, 'x', '__proto__']) {
    t.strictSame(source.find('HS512', kid), [key])
  }
  t.strictSame(source.find('HS384', undefined), [])
  t.strictSame(source.find('RS256', undefined), [])
  t.ok(source.trusts(key as VerificationKey))
  source.close()
})

t.test('has no key if only the issuer can verify its tokens', async (t) => {
  const source = noKeys(ISSUER)
  for (const kid of [undefined, 'a']) t.strictSame(source.find('RS256', kid), [])
  t.match(source.status(), { issuer: ISSUER, state: 'static', keys: 0 })
})

t.test('J13: accepts a key whose operations include verify', async (t) => {
  for (const jwk of [EC, RSA, ED]) {
    const jwks = { keys: [{ ...jwk, key_ops: ['sign', 'verify'], ext: false }] }
    t.equal((await importKeySet(jwks, 100).catch(() => undefined))?.size, 1, `${jwk.kty}`)
  }
})

t.test('keeps no key object if the permitted algorithm has changed', async (t) => {
  const before = await importKeySet({ keys: [RSA] }, 100)
  const [rsa] = before.find('RS256', 'rsa')
  const after = await importKeySet({ keys: [{ ...RSA, alg: 'PS256' }] }, 100)
  t.notOk(after.reuseKeysFrom(before).has(rsa as VerificationKey))
})

t.test('rejects a set without a usable key, or with too many', async (t) => {
  await t.rejects(staticKeySet(ISSUER, { keys: [] }, 100), { name: 'TypeError' })
  await t.rejects(staticKeySet(ISSUER, { keys: [EC, RSA, ED] }, 2), { name: 'TypeError' })
})
