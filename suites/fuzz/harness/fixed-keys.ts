/**
 * Keys that are the same in every run. Ed25519 signatures are deterministic (RFC 8032), so a replayed
 * case has the same bytes. These keys protect nothing.
 */
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import type { JWK } from 'jose'
import type { TestKey } from '../../../test/fixtures/issuer.js'

/** PKCS #8 prefix of the 32 bytes of a private key (RFC 8410 §7). */
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
