/**
 * Parses DPoP proofs (RFC 9449 §4.2). A proof is a JWT for one request, whose header contains the
 * public key that verifies its signature.
 */
import { ownMembers } from '../../base/plain-object.js'
import { InvalidDPoPProofError } from '../../errors/errors.js'
import { decodeBase64url } from '../../token/base64url.js'
import { decodeCheapObject, splitCompact } from '../../token/compact-serialization.js'

/** A well-formed proof whose signature, key and claims are not verified yet. */
export interface DPoPProof {
  /** The encoded header. Most clients send the same header in all proofs. */
  readonly headerSegment: string
  readonly claims: ProofClaims
  readonly signingInput: string
  readonly signature: Uint8Array
}

export interface ProofClaims {
  readonly jti: string
  readonly htm: string
  readonly htu: string
  /** Seconds since the epoch. */
  readonly iat: number
  readonly ath: string | undefined
  readonly nonce: string | undefined
}

/**
 * Maximum length of a proof, in characters. A proof with a 4096-bit RSA key and a long URL takes
 * about 3,000 characters, a proof with ML-DSA-87 about 11,300.
 */
const MAX_LENGTH = 12_288

/** @throws {InvalidDPoPProofError} if the proof is malformed. */
export function parseProof(raw: string): DPoPProof {
  if (raw.length > MAX_LENGTH) throw malformed(`at most ${MAX_LENGTH} characters`)
  const segments = splitCompact(raw)
  if (segments === undefined) throw malformed('a JWT of three parts')
  const [header, payload, last] = segments
  const claims = decodeCheapObject(payload)
  const signature = decodeBase64url(last)
  if (claims === undefined || signature === undefined) {
    throw malformed('canonical base64url of JSON objects with few members, none of them duplicated')
  }
  return {
    headerSegment: header,
    claims: requireClaims(claims),
    signingInput: raw.slice(0, header.length + 1 + payload.length),
    signature,
  }
}

function requireClaims(claims: Readonly<Record<string, unknown>>): ProofClaims {
  const { jti, htm, htu, iat, ath, nonce } = ownMembers(claims)
  if (!isText(jti)) throw malformed('"jti": a non-empty string')
  if (!isText(htm)) throw malformed('"htm": a non-empty string')
  if (!isText(htu)) throw malformed('"htu": a non-empty string')
  if (typeof iat !== 'number' || !Number.isFinite(iat)) throw malformed('"iat": a finite number')
  if (ath !== undefined && !isText(ath)) throw malformed('"ath": a non-empty string')
  if (nonce !== undefined && !isText(nonce)) throw malformed('"nonce": a non-empty string')
  return { jti, htm, htu, iat, ath, nonce }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function malformed(expected: string): InvalidDPoPProofError {
  return invalidProof('The DPoP proof is malformed', expected)
}

/** Returns the error for a missing or invalid proof (RFC 9449 §7.1). */
export function invalidProof(message: string, expected: string): InvalidDPoPProofError {
  return new InvalidDPoPProofError(message, { expected })
}
