import { calculateJwkThumbprint, generateKeyPair } from 'jose'
import t from 'tap'
import { ASYMMETRIC_ALGORITHMS, PROOF_ALGORITHMS, runtimeHint } from '../../src/base/algorithms.js'
import { HAS_ML_DSA, importMlDsaKey, ML_DSA_KEY_BYTES, succeeds } from '../../src/base/ml-dsa.js'
import { thumbprintOf } from '../../src/base/thumbprint.js'

const NAMES = Object.keys(ML_DSA_KEY_BYTES) as (keyof typeof ML_DSA_KEY_BYTES)[]

t.test('A3: lists ML-DSA only where the runtime has it, and never for proofs', async (t) => {
  const hasWebCrypto = await generateKeyPair('ML-DSA-44').then(
    () => true,
    () => false,
  )
  t.equal(HAS_ML_DSA, hasWebCrypto)
  for (const name of NAMES) {
    t.equal(ASYMMETRIC_ALGORITHMS.includes(name), HAS_ML_DSA, name)
    t.notOk(PROOF_ALGORITHMS.includes(name), name)
    const pub = Buffer.alloc(ML_DSA_KEY_BYTES[name], 7).toString('base64url')
    t.equal(
      succeeds(() => importMlDsaKey({ pub }, name)),
      HAS_ML_DSA,
      name,
    )
    t.equal(
      succeeds(() => importMlDsaKey({ pub: 'AA' }, name)),
      false,
      `malformed ${name}`,
    )
  }
})

t.test('names the required runtime for an algorithm that this one lacks', async (t) => {
  const { node, openssl } = process.versions
  const hint = `. ML-DSA-65 requires Node 24.6 or later with OpenSSL 3.5 or later; this is Node ${node} with OpenSSL ${openssl}`
  t.equal(runtimeHint('ML-DSA-65', []), hint)
  t.equal(runtimeHint(['ES256', 'ML-DSA-65'], ['ES256']), hint)
  t.equal(runtimeHint(['ML-DSA-65'], ['ML-DSA-65']), '')
  for (const other of ['ES256', 'ML-DSA-1', undefined, null, 7, [], ['constructor']]) {
    t.equal(runtimeHint(other, []), '')
  }
})

t.test('P1, A3: computes the thumbprint of an AKP key, which covers alg and pub', async (t) => {
  const pub = Buffer.alloc(1312, 7).toString('base64url')
  const jwk = { kty: 'AKP', alg: 'ML-DSA-44', pub }
  const expected = await calculateJwkThumbprint(jwk)
  t.equal(thumbprintOf(jwk), expected)
  t.equal(thumbprintOf({ kid: 'a', use: 'sig', ...jwk }), expected)
  for (const member of ['alg', 'pub'])
    t.equal(thumbprintOf({ ...jwk, [member]: undefined }), undefined)
})
