/**
 * Bare verifications of a signature, on the main thread, at the end of the turn of the event loop,
 * in Node's thread pool and with WebCrypto. These check nothing else, so they are lower bounds and
 * no verifiers.
 */
import { createPublicKey, verify, webcrypto } from 'node:crypto'
import { ALGORITHMS } from '../jwt.js'

const SUBTLE = {
  RS256: [{ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, {}],
  PS256: [{ name: 'RSA-PSS', hash: 'SHA-256' }, { saltLength: 32 }],
  ES256: [{ name: 'ECDSA', namedCurve: 'P-256' }, { hash: 'SHA-256' }],
  EdDSA: [{ name: 'Ed25519' }, {}],
}

/** By name: `import` prepares a JWK, and `verify` calls back with `true` for a valid signature. */
export const VERIFIERS = {
  'main thread': {
    import: forNode,
    verify: ({ hash, key }, input, signature, done) => done(verify(hash, input, key, signature)),
  },
  'end of the turn': {
    import: forNode,
    verify(...verification) {
      batch.push(verification)
      if (batch.length === 1) setImmediate(verifyBatch)
    },
  },
  'thread pool': {
    import: forNode,
    verify: ({ hash, key }, input, signature, done) =>
      verify(hash, input, key, signature, (error, valid) => done(error === null && valid)),
  },
  subtle: {
    async import(jwk, algorithm) {
      const [importing, verifying] = SUBTLE[algorithm]
      const { alg, ...bare } = jwk
      const key = await webcrypto.subtle.importKey('jwk', bare, importing, false, ['verify'])
      return { key, parameters: { ...importing, ...verifying } }
    },
    verify: ({ key, parameters }, input, signature, done) =>
      webcrypto.subtle.verify(parameters, key, signature, input).then(done, () => done(false)),
  },
}

let batch = []

function verifyBatch() {
  const verifications = batch
  batch = []
  const results = verifications.map(([{ hash, key }, input, signature]) =>
    verify(hash, input, key, signature),
  )
  verifications.forEach(([, , , done], index) => {
    done(results[index])
  })
}

function forNode(jwk, algorithm) {
  const { hash, key } = ALGORITHMS[algorithm]
  return { hash, key: { key: createPublicKey({ key: jwk, format: 'jwk' }), ...key } }
}

/** Splits a compact JWS into what a verification needs. */
export function partsOf(token) {
  const end = token.lastIndexOf('.')
  return {
    input: Buffer.from(token.slice(0, end), 'latin1'),
    signature: Buffer.from(token.slice(end + 1), 'base64url'),
  }
}
