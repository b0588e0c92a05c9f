import { createSecretKey } from 'node:crypto'
import t from 'tap'
import type { Algorithm } from '../../src/base/algorithms.js'
import { importVerificationKey, type VerificationKey } from '../../src/keys/verification-key.js'
import { isSignedBy } from '../../src/token/signature.js'
import { signature } from '../fixtures/forgery.js'
import { makeKey, type TestKey } from '../fixtures/issuer.js'
import { countThreadPoolVerifications } from '../fixtures/thread-pool.js'

const signingInput = 'eyJhbGciOiJub25lIn0.e30'

async function imported(key: TestKey): Promise<VerificationKey> {
  return (await importVerificationKey(key.publicJwk)) as VerificationKey
}

function secretKey(bytes = 64): VerificationKey & TestKey {
  const material = createSecretKey(Buffer.alloc(bytes, 3))
  const algorithms = new Set<Algorithm>(['HS256', 'HS384', 'HS512'])
  const own = {
    kid: undefined,
    algorithms,
    material,
    verifiesInline: true,
    issuer: 0,
    fingerprint: '',
  }
  return { ...own, alg: 'HS256', publicJwk: {}, privateKey: material }
}

const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const
const CURVES = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const
const MAC = ['HS256', 'HS384', 'HS512'] as const

t.test('verifies RSA of 2048 bits on the event loop, or in the thread pool', async (t) => {
  for (const alg of RSA) {
    const key = await makeKey(alg)
    const verifier = await imported(key)
    const valid = { signingInput, signature: signature(key, signingInput) }
    const invalid = { signingInput: `${signingInput}0`, signature: valid.signature }
    for (const inline of [true, false]) {
      const pooled = await countThreadPoolVerifications(async () => {
        t.equal(await isSignedBy(verifier, alg, valid, inline), true, alg)
        t.equal(await isSignedBy(verifier, alg, invalid, inline), false, `${alg}: other input`)
      })
      t.equal(pooled, inline ? 0 : 2)
    }
  }
})

t.test('verifies slower signatures in the thread pool, inline or not', async (t) => {
  const keys = [
    ...(await Promise.all(CURVES.map((alg) => makeKey(alg)))),
    await makeKey('RS256', 'large', { modulusLength: 3072 }),
  ]
  for (const key of keys) {
    const alg = key.alg as Algorithm
    const verifier = await imported(key)
    const valid = { signingInput, signature: signature(key, signingInput) }
    for (const inline of [true, false]) {
      const invalid = { signingInput: `${signingInput}0`, signature: valid.signature }
      const pooled = await countThreadPoolVerifications(async () => {
        t.equal(await isSignedBy(verifier, alg, valid, inline), true, alg)
        t.equal(await isSignedBy(verifier, alg, invalid, inline), false, `${alg}: other input`)
      })
      t.equal(pooled, 2)
    }
  }
})

t.test('J16: rejects a signature of the wrong length without verifying it', async (t) => {
  for (const alg of [...CURVES, ...MAC]) {
    const key: TestKey = alg.startsWith('HS') ? secretKey() : await makeKey(alg)
    const verifier = alg.startsWith('HS') ? secretKey() : await imported(key)
    const valid = signature({ ...key, alg }, signingInput)
    t.equal(await isSignedBy(verifier, alg, { signingInput, signature: valid }, true), true, alg)
    for (const length of [0, 1, valid.length - 1, valid.length + 1, valid.length * 2, 72]) {
      const other = Buffer.concat([valid, Buffer.alloc(valid.length)], length)
      const result = isSignedBy(verifier, alg, { signingInput, signature: other }, true)
      t.equal(result, false, `${alg}: ${length} bytes, and no promise`)
    }
  }
})

t.test('verifies an HMAC synchronously, with the hash and secret of its algorithm', async (t) => {
  const key = secretKey()
  for (const alg of MAC) {
    const valid = signature({ ...key, alg }, signingInput)
    for (const inline of [true, false]) {
      t.equal(isSignedBy(key, alg, { signingInput, signature: valid }, inline), true, alg)
    }
    const flipped = Buffer.from(valid)
    flipped[valid.length - 1] = (valid.at(-1) as number) ^ 1
    t.equal(isSignedBy(key, alg, { signingInput, signature: flipped }, true), false)
    t.equal(isSignedBy(secretKey(63), alg, { signingInput, signature: valid }, true), false)
    t.equal(isSignedBy(key, alg, { signingInput: '', signature: valid }, true), false)
  }
})

// Before Node 20.19.2, 22.15.1 and 24.0.2 this ends the process (CVE-2025-23166): hence `engines`.
t.test('rejects a signature on which OpenSSL fails', async (t) => {
  const [rsa, ed] = [await makeKey('RS256'), await makeKey('EdDSA')]
  const unfit = { ...(await imported(rsa)), material: (await imported(ed)).material }
  const signed = { signingInput, signature: signature(rsa, signingInput) }
  for (const inline of [true, false]) {
    t.equal(await isSignedBy(unfit, 'RS256', signed, inline), false, 'a key of another type')
    t.equal(await isSignedBy(unfit, 'PS256', signed, inline), false)
  }
})
