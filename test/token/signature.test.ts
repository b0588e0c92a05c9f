import { createSecretKey } from 'node:crypto'
import t from 'tap'
import type { Algorithm } from '../../src/base/algorithms.js'
import { importVerificationKey, type VerificationKey } from '../../src/keys/verification-key.js'
import { isSignedBy } from '../../src/token/signature.js'
import { signature } from '../fixtures/forgery.js'
import { makeKey, type TestKey } from '../fixtures/issuer.js'

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

t.test(
  'RSA of 2048 bits is verified at once, or in the thread pool if that is wanted',
  async (t) => {
    for (const alg of RSA) {
      const key = await makeKey(alg)
      const verifier = await imported(key)
      const good = { signingInput, signature: signature(key, signingInput) }
      const bad = { signingInput: `${signingInput}0`, signature: good.signature }
      t.equal(isSignedBy(verifier, alg, good, true), true, alg)
      t.equal(isSignedBy(verifier, alg, bad, true), false, `${alg}: other input`)
      const later = isSignedBy(verifier, alg, good, false)
      t.ok(later instanceof Promise, `${alg}: not on the main thread`)
      t.equal(await later, true)
      t.equal(await isSignedBy(verifier, alg, bad, false), false)
    }
  },
)

t.test('everything that takes longer is verified in the thread pool, at once or not', async (t) => {
  const keys = [
    ...(await Promise.all(CURVES.map((alg) => makeKey(alg)))),
    await makeKey('RS256', 'large', { modulusLength: 3072 }),
  ]
  for (const key of keys) {
    const alg = key.alg as Algorithm
    const verifier = await imported(key)
    const good = { signingInput, signature: signature(key, signingInput) }
    for (const inline of [true, false]) {
      const later = isSignedBy(verifier, alg, good, inline)
      t.ok(later instanceof Promise, alg)
      t.equal(await later, true, alg)
      const bad = { signingInput: `${signingInput}0`, signature: good.signature }
      t.equal(await isSignedBy(verifier, alg, bad, inline), false, `${alg}: other input`)
    }
  }
})

t.test('J16: a signature of another length is refused without a look at it', async (t) => {
  for (const alg of [...CURVES, ...MAC]) {
    const key: TestKey = alg.startsWith('HS') ? secretKey() : await makeKey(alg)
    const verifier = alg.startsWith('HS') ? secretKey() : await imported(key)
    const good = signature({ ...key, alg }, signingInput)
    t.equal(await isSignedBy(verifier, alg, { signingInput, signature: good }, true), true, alg)
    for (const length of [0, 1, good.length - 1, good.length + 1, good.length * 2, 72]) {
      const other = Buffer.concat([good, Buffer.alloc(good.length)], length)
      const verdict = isSignedBy(verifier, alg, { signingInput, signature: other }, true)
      t.equal(verdict, false, `${alg}: ${length} bytes, and no promise`)
    }
  }
})

t.test('an HMAC is computed at once, with its own hash and secret', async (t) => {
  const key = secretKey()
  for (const alg of MAC) {
    const good = signature({ ...key, alg }, signingInput)
    for (const inline of [true, false]) {
      t.equal(isSignedBy(key, alg, { signingInput, signature: good }, inline), true, alg)
    }
    const flipped = Buffer.from(good)
    flipped[good.length - 1] = (good.at(-1) as number) ^ 1
    t.equal(isSignedBy(key, alg, { signingInput, signature: flipped }, true), false)
    t.equal(isSignedBy(secretKey(63), alg, { signingInput, signature: good }, true), false)
    t.equal(isSignedBy(key, alg, { signingInput: '', signature: good }, true), false)
  }
})

// Before Node 20.19.2, 22.15.1 and 24.0.2 this ends the process (CVE-2025-23166): hence `engines`.
t.test('what OpenSSL fails at is not verified', async (t) => {
  const [rsa, ed] = [await makeKey('RS256'), await makeKey('EdDSA')]
  const unfit = {
    ...(await imported(rsa)),
    material: (await imported(ed)).material,
    verifiesInline: false,
  }
  const signed = { signingInput, signature: signature(rsa, signingInput) }
  t.equal(await isSignedBy(unfit, 'RS256', signed, true), false, 'a key of another kind')
  t.equal(await isSignedBy(unfit, 'PS256', signed, true), false)
})
