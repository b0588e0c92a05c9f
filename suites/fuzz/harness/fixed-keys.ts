/**
 * Keys that are the same in every run. Ed25519 signatures are deterministic (RFC 8032), so a replayed
 * case has the same bytes. These keys protect nothing.
 */
import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
} from 'node:crypto'
import type { JWK } from 'jose'
import type { TestKey } from '../../../test/fixtures/issuer.js'

/** PKCS #8 prefix of the 32 bytes of a private key (RFC 8410 §7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

export function ed25519(name: string): TestKey {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8, secretBytes(name)]),
    format: 'der',
    type: 'pkcs8',
  })
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK
  const publicJwk = { ...jwk, kid: name, alg: 'EdDSA', use: 'sig' }
  return { alg: 'EdDSA', publicJwk, privateKey }
}

/** PKCS #8 prefix of the 32 bytes of a private key for key agreement (RFC 8410 §7). */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex')

export function x25519(name: string): KeyObject {
  const key = Buffer.concat([PKCS8_X25519, secretBytes(name)])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}

export function p256(name: string): KeyObject {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(secretBytes(name))
  const point = ecdh.getPublicKey()
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
    d: ecdh.getPrivateKey('base64url'),
  }
  return createPrivateKey({ key: jwk, format: 'jwk' })
}

/** Returns 32 bytes that depend only on the name. */
export function secretBytes(name: string): Buffer {
  return createHash('sha256').update(`fuzzing: ${name}`).digest()
}
