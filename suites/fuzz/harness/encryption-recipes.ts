/**
 * Ways to encrypt a token, each with a key of the API. The content encryption keys and ephemeral
 * keys are the same in every run, so that a replayed case has the same bytes; the encrypted key of
 * RSA-OAEP is random.
 */
import {
  constants,
  createCipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
} from 'node:crypto'
import type { JWK } from 'jose'
import { p256, secretBytes, x25519 } from './fixed-keys.js'

export interface Recipe {
  /** A valid header. */
  readonly header: Readonly<Record<string, unknown>>
  /** The content encryption key. */
  readonly cek: Buffer
  readonly encryptedKey: string
}

export interface Recipes {
  readonly recipes: readonly Recipe[]
  /** Private keys and secrets of the API, with `kid`. */
  readonly keys: readonly JWK[]
}

export function makeRecipes(): Recipes {
  const [shared, wrapping, cek] = ['shared', 'wrapping', 'cek'].map(secretBytes) as Bytes
  const longCek = Buffer.concat([cek, secretBytes('cek 2')])
  const [ec, x, rsa] = [p256('ec'), x25519('x'), rsaKey()]
  const [ecEpk, xEpk] = [p256('ephemeral'), x25519('ephemeral')]
  const agreed = (epk: KeyObject, key: KeyObject, alg: string) =>
    deriveKey(diffieHellman({ privateKey: epk, publicKey: createPublicKey(key) }), alg)
  const oaep = { key: createPublicKey(rsa), oaepHash: 'sha256' }
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  const key = (alg: string, kid: string, enc = 'A256GCM') => ({ alg, enc, kid, cty: 'JWT' })
  const fast: Recipe[] = [
    { header: key('dir', 'shared'), cek: shared, encryptedKey: '' },
    {
      header: key('A256KW', 'wrap', 'A256CBC-HS512'),
      cek: longCek,
      encryptedKey: wrap(wrapping, longCek),
    },
    {
      header: { ...key('ECDH-ES+A256KW', 'p-256'), epk: publicJwk(ecEpk) },
      cek,
      encryptedKey: wrap(agreed(ecEpk, ec, 'ECDH-ES+A256KW'), cek),
    },
    {
      header: { ...key('ECDH-ES', 'x25519'), epk: publicJwk(xEpk) },
      cek: agreed(xEpk, x, 'A256GCM'),
      encryptedKey: '',
    },
  ]
  const slow: Recipe = {
    header: key('RSA-OAEP-256', 'rsa', 'A256CBC-HS512'),
    cek: longCek,
    encryptedKey: publicEncrypt({ ...oaep, padding }, longCek).toString('base64url'),
  }
  return {
    // An RSA decryption takes several times as long as the others.
    recipes: [...fast, ...fast, slow],
    keys: [
      { kty: 'oct', k: shared.toString('base64url'), kid: 'shared', alg: 'dir' },
      { kty: 'oct', k: wrapping.toString('base64url'), kid: 'wrap', alg: 'A256KW' },
      { ...(ec.export({ format: 'jwk' }) as JWK), kid: 'p-256' },
      { ...(x.export({ format: 'jwk' }) as JWK), kid: 'x25519' },
      { ...(rsa.export({ format: 'jwk' }) as JWK), kid: 'rsa' },
    ],
  }
}

type Bytes = [Buffer, Buffer, Buffer]

function rsaKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

function publicJwk(key: KeyObject): JWK {
  return createPublicKey(key).export({ format: 'jwk' }) as JWK
}

/** AES Key Wrap (RFC 3394) with the default initial value. */
function wrap(key: Buffer, cek: Buffer): string {
  const cipher = createCipheriv('id-aes256-wrap', key, Buffer.alloc(8, 0xa6))
  return Buffer.concat([cipher.update(cek), cipher.final()]).toString('base64url')
}

/** Concat KDF for 256 bits, without `apu` and `apv` (RFC 7518 §4.6.2). */
function deriveKey(agreed: Buffer, algorithm: string): Buffer {
  const none = uint32(0)
  const id = [uint32(algorithm.length), Buffer.from(algorithm)]
  return createHash('sha256')
    .update(Buffer.concat([uint32(1), agreed, ...id, none, none, uint32(256)]))
    .digest()
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
