/**
 * Whether a key made a signature (RFC 7515 §5.2). The cryptography is OpenSSL's, by way of
 * `node:crypto`; jose is the judge in the tests.
 *
 * An RSA signature of 2048 bits is verified at once: it takes less than the way to another thread
 * and back. Everything else takes longer, and goes to the thread pool so that nobody waits behind it.
 */
import {
  constants,
  createHmac,
  type KeyObject,
  type SigningOptions,
  timingSafeEqual,
  type VerifyKeyObjectInput,
  verify,
} from 'node:crypto'
import type { Algorithm } from '../base/algorithms.js'
import { ownMembers } from '../base/plain-object.js'
import type { MaybePromise } from '../errors/result.js'
import type { VerificationKey } from '../keys/verification-key.js'

interface SignatureScheme {
  readonly kind: 'pkcs1' | 'pss' | 'ecdsa' | 'eddsa' | 'hmac'
  /** As `node:crypto` wants it; EdDSA hashes by itself. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  /** The length of the signature in bytes; of an RSA one, the key decides. */
  readonly bytes: number | undefined
}

/** RFC 7518 §3.1, RFC 8037 §3.1. */
const SCHEMES: Readonly<Record<Algorithm, SignatureScheme>> = {
  RS256: { kind: 'pkcs1', hash: 'sha256', bytes: undefined },
  RS384: { kind: 'pkcs1', hash: 'sha384', bytes: undefined },
  RS512: { kind: 'pkcs1', hash: 'sha512', bytes: undefined },
  PS256: { kind: 'pss', hash: 'sha256', bytes: undefined },
  PS384: { kind: 'pss', hash: 'sha384', bytes: undefined },
  PS512: { kind: 'pss', hash: 'sha512', bytes: undefined },
  ES256: { kind: 'ecdsa', hash: 'sha256', bytes: 64 },
  ES384: { kind: 'ecdsa', hash: 'sha384', bytes: 96 },
  ES512: { kind: 'ecdsa', hash: 'sha512', bytes: 132 },
  EdDSA: { kind: 'eddsa', hash: null, bytes: 64 },
  Ed25519: { kind: 'eddsa', hash: null, bytes: 64 },
  HS256: { kind: 'hmac', hash: 'sha256', bytes: 32 },
  HS384: { kind: 'hmac', hash: 'sha384', bytes: 48 },
  HS512: { kind: 'hmac', hash: 'sha512', bytes: 64 },
}

export interface Signed {
  readonly signingInput: string
  readonly signature: Uint8Array
}

/**
 * Whether the key, which must be fit for the algorithm, made the signature with it.
 *
 * @param atOnce if the key is quick to verify with: without a promise, and without the thread pool.
 */
export function isSignedBy(
  { material, isQuick }: VerificationKey,
  algorithm: Algorithm,
  { signingInput, signature }: Signed,
  atOnce: boolean,
): MaybePromise<boolean> {
  const scheme = SCHEMES[algorithm]
  if (scheme.bytes !== undefined && signature.length !== scheme.bytes) return false
  // The front door let nothing but ASCII in, of which each character is a byte.
  const input = Buffer.from(signingInput, 'latin1')
  if (scheme.kind === 'hmac') return isMacOf(scheme, material, input, signature)
  const key = verifyInput(scheme.kind, material)
  return atOnce && isQuick
    ? verify(scheme.hash, input, key, signature)
    : verifyInThreadPool(scheme.hash, input, key, signature)
}

/** RFC 7518 §3.2: compared in constant time. */
function isMacOf(
  { hash }: SignatureScheme,
  secret: KeyObject,
  input: Uint8Array,
  signature: Uint8Array,
): boolean {
  const mac = createHmac(hash as string, secret)
    .update(input)
    .digest()
  return timingSafeEqual(mac, signature)
}

const ENCODINGS: Readonly<Record<Exclude<SignatureScheme['kind'], 'hmac'>, SigningOptions>> = {
  pkcs1: { padding: constants.RSA_PKCS1_PADDING },
  // RFC 7518 §3.5: the salt is as long as the hash.
  pss: {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  },
  // RFC 7518 §3.4: R and S, each in full length, and not the DER that OpenSSL would take.
  ecdsa: { dsaEncoding: 'ieee-p1363' },
  eddsa: {},
}

/** Without a prototype, because node:crypto reads inherited members such as "padding", too. */
function verifyInput(kind: keyof typeof ENCODINGS, key: KeyObject): VerifyKeyObjectInput {
  return ownMembers({ key, ...ENCODINGS[kind] })
}

function verifyInThreadPool(
  hash: SignatureScheme['hash'],
  input: Uint8Array,
  key: VerifyKeyObjectInput,
  signature: Uint8Array,
): Promise<boolean> {
  return new Promise((resolve) => {
    // Whatever the reason, OpenSSL does not vouch for it.
    verify(hash, input, key, signature, (_error, valid) => resolve(valid === true))
  })
}
