/**
 * Creates the keys of the API and of the issuer, and encrypts tokens with the public key, as any
 * caller can.
 */
import { generateKeyPairSync } from 'node:crypto'
import { CompactEncrypt } from 'jose'
import { accessTokenClaims, generateKey, signToken } from '../jwt.js'

/** One key of each type that the option `decryption` accepts by default; `kid` is the type. */
export function makeKeys() {
  return {
    signer: generateKey('RS256'),
    decryption: {
      'RSA 2048': encryptionKey('RSA-OAEP-256', 'RSA 2048', 'rsa', { modulusLength: 2048 }),
      'RSA 4096': encryptionKey('RSA-OAEP-256', 'RSA 4096', 'rsa', { modulusLength: 4096 }),
      'P-256': encryptionKey('ECDH-ES', 'P-256', 'ec', { namedCurve: 'P-256' }),
      'P-384': encryptionKey('ECDH-ES', 'P-384', 'ec', { namedCurve: 'P-384' }),
      'P-521': encryptionKey('ECDH-ES', 'P-521', 'ec', { namedCurve: 'P-521' }),
      X25519: encryptionKey('ECDH-ES', 'X25519', 'x25519'),
    },
  }
}

export function optionsWith({ decryption }) {
  return { keys: Object.values(decryption).map(({ jwk }) => jwk) }
}

export function encryptionKey(alg, kid, type, parameters) {
  const { publicKey, privateKey } = generateKeyPairSync(type, parameters)
  return { alg, kid, publicKey, privateKey, jwk: { ...privateKey.export({ format: 'jwk' }), kid } }
}

export function encrypt(content, { alg, kid, publicKey }, header = {}) {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  return new CompactEncrypt(bytes)
    .setProtectedHeader({ alg, enc: 'A256GCM', kid, cty: 'JWT', ...header })
    .encrypt(publicKey)
}

export function jwtOf(signer, issuer, number) {
  const issuedAt = Math.floor(Date.now() / 1000)
  return signToken(signer, accessTokenClaims({ issuer, number, issuedAt, lifetime: 86_400 }))
}
