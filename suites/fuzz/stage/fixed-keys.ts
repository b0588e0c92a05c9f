/**
 * Keys that are the same in every run, and whose signatures are as well (RFC 8032): a case that is
 * replayed is the same to the byte. They protect nothing.
 */
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import type { JWK } from 'jose'
import type { TestKey } from '../../../test/fixtures/issuer.js'

/** RFC 8410 §7: what stands before the 32 bytes of a private key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

export function ed25519(name: string): TestKey {
  const bytes = createHash('sha256').update(`fuzzing: ${name}`).digest()
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8, bytes]),
    format: 'der',
    type: 'pkcs8',
  })
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK
  const publicJwk = { ...jwk, kid: name, alg: 'EdDSA', use: 'sig' }
  return { alg: 'EdDSA', publicJwk, privateKey }
}
