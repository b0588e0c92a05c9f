/**
 * The twelve checks of a DPoP proof (RFC 9449 §4.3), written from the RFC alone; jose verifies the
 * signature and computes the thumbprint. The caller tests replay by presenting a proof twice.
 */
import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose'
import { ASYMMETRIC_ALGORITHMS } from '../../../src/base/algorithms.js'
import { NOW } from '../../../test/fixtures/forgery.js'
import { isCostly, isStrictObject } from './strict-json.js'

export interface ProofContext {
  readonly method: string
  /** The `htu`s that name the URL of the request. */
  readonly urls: readonly string[]
  readonly token: string
  readonly jkt: string
}

type Members = Readonly<Record<string, unknown>>

export async function isValidProof(raw: string, context: ProofContext): Promise<boolean> {
  const segments = raw.split('.')
  if (segments.length !== 3 || segments.some((part) => canonical(part) !== part)) return false
  const [header, claims] = segments.slice(0, 2).map(object)
  if (header === undefined || claims === undefined) return false
  return (
    isValidHeader(header) &&
    hasValidClaims(claims, context) &&
    (await isSigned(raw, header, context.jkt).catch(() => false))
  )
}

/** Checks 4, 5 and 7: `typ`, an asymmetric `alg`, a public `jwk`. */
function isValidHeader({ typ, alg, jwk, ...others }: Members): boolean {
  return (
    typeof typ === 'string' &&
    /^(?:application\/)?dpop\+jwt$/i.test(typ) &&
    (ASYMMETRIC_ALGORITHMS as readonly unknown[]).includes(alg) &&
    typeof jwk === 'object' &&
    jwk !== null &&
    !Object.keys(jwk).some((name) =>
      ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].includes(name),
    ) &&
    !Object.keys(others).some((name) => name === 'crit' || name === 'b64')
  )
}

/**
 * Checks 3, 8, 9, 11 and 12a: the required claims, and the request and token that the proof is for.
 */
function hasValidClaims(claims: Members, { method, urls, token }: ProofContext): boolean {
  const { jti, htm, htu, iat, ath, nonce } = claims
  const hash = createHash('sha256').update(token).digest('base64url')
  return (
    typeof jti === 'string' &&
    jti !== '' &&
    htm === method &&
    typeof htu === 'string' &&
    urls.includes(htu) &&
    Number.isFinite(iat) &&
    (iat as number) > NOW - 60 - 30 &&
    (iat as number) <= NOW + 30 &&
    ath === hash &&
    (nonce === undefined || (typeof nonce === 'string' && nonce !== ''))
  )
}

/** Checks 6 and 12b. */
async function isSigned(raw: string, { alg, jwk }: Members, jkt: string): Promise<boolean> {
  if ((await calculateJwkThumbprint(jwk as JWK)) !== jkt) return false
  const { kty, crv, x, y, n, e } = jwk as JWK
  const publicMembers = { kty, crv, x, y, n, e } as JWK
  const key = await importJWK(JSON.parse(JSON.stringify(publicMembers)), alg as string)
  await compactVerify(raw, key)
  return true
}

function canonical(segment: string): string | undefined {
  return Buffer.from(segment, 'base64url').toString('base64url') || undefined
}

function object(segment: string): Members | undefined {
  const bytes = Buffer.from(segment, 'base64url')
  const text = bytes.toString()
  const isUtf8 = Buffer.from(text).equals(bytes)
  return isUtf8 && isStrictObject(text) && !isCostly(text)
    ? (JSON.parse(text) as Members)
    : undefined
}
