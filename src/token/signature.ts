/**
 * Verifies signatures (RFC 7515 §5.2) with OpenSSL through `node:crypto`. The tests compare the
 * results with those of jose.
 *
 * MACs are verified immediately. Signatures of 2048-bit RSA keys are verified on the event loop if
 * the caller allows it, because a round trip to the thread pool costs about as much. All other
 * signatures are verified in the thread pool, so that they do not block other requests.
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
import { atEndOfTurn } from '../base/end-of-turn.js'
import { ownMembers } from '../base/plain-object.js'
import type { MaybePromise } from '../errors/result.js'
import type { VerificationKey } from '../keys/verification-key.js'

interface SignatureScheme {
  readonly kind: 'pkcs1' | 'pss' | 'ecdsa' | 'eddsa' | 'ml-dsa' | 'hmac'
  /** Name of the hash for `node:crypto`; `null` for EdDSA and ML-DSA, which define their own
   * hash. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  /** Length of the signature in bytes; `undefined` for RSA, where it depends on the key. */
  readonly bytes: number | undefined
}

/** Signature schemes by algorithm (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9964 §4). */
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
  'ML-DSA-44': { kind: 'ml-dsa', hash: null, bytes: 2420 },
  'ML-DSA-65': { kind: 'ml-dsa', hash: null, bytes: 3309 },
  'ML-DSA-87': { kind: 'ml-dsa', hash: null, bytes: 4627 },
  HS256: { kind: 'hmac', hash: 'sha256', bytes: 32 },
  HS384: { kind: 'hmac', hash: 'sha384', bytes: 48 },
  HS512: { kind: 'hmac', hash: 'sha512', bytes: 64 },
}

export interface Signed {
  readonly signingInput: string
  readonly signature: Uint8Array
}

/**
 * Whether the key verifies the signature. The caller must have checked that the key is suitable for
 * the algorithm.
 *
 * @param inline whether the event loop may verify the signature. Otherwise, or if the key does not
 *   allow it, the thread pool verifies the signature and the result is a promise.
 */
export function isSignedBy(
  { material, verifiesInline }: VerificationKey,
  algorithm: Algorithm,
  { signingInput, signature }: Signed,
  inline: boolean,
): MaybePromise<boolean> {
  const scheme = SCHEMES[algorithm]
  if (scheme.bytes !== undefined && signature.length !== scheme.bytes) return false
  // The parser accepts only ASCII, so each character is one byte.
  const input = Buffer.from(signingInput, 'latin1')
  if (scheme.kind === 'hmac') return isMacOf(scheme, material, input, signature)
  const key = verifyInput(scheme.kind, material)
  return new Promise((resolve) => {
    atEndOfTurn(() => {
      // Any error of OpenSSL counts as an invalid signature.
      try {
        if (inline && verifiesInline) resolve(verify(scheme.hash, input, key, signature))
        else verify(scheme.hash, input, key, signature, (_error, valid) => resolve(valid === true))
      } catch {
        resolve(false)
      }
    })
  })
}

/** Whether the MAC is valid; compares in constant time (RFC 7518 §3.2). */
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
  // RFC 7518 §3.5: the salt has the length of the hash.
  pss: {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  },
  // RFC 7518 §3.4: R and S are concatenated, each in full length. OpenSSL's default is DER.
  ecdsa: { dsaEncoding: 'ieee-p1363' },
  eddsa: {},
  // RFC 9964 §4: pure ML-DSA with an empty context, the default of OpenSSL.
  'ml-dsa': {},
}

/**
 * Returns the input for `node:crypto` as an object without a prototype, because `node:crypto` also
 * reads inherited members such as `padding`.
 */
function verifyInput(kind: keyof typeof ENCODINGS, key: KeyObject): VerifyKeyObjectInput {
  return ownMembers({ key, ...ENCODINGS[kind] })
}
