/**
 * Verifies a signed introspection response (RFC 9701 §5): signature, `typ`, `iss`, `aud` and age.
 * Only its claim `token_introspection` is used.
 *
 * oauth4webapi is not used for this: it leaves the signature to its caller, accepts duplicate members
 * in the claims, and supports one audience only.
 */

import { isJsonObject } from '../base/json-object.js'
import { ownMembers } from '../base/plain-object.js'
import { KeysUnavailableError } from '../errors/errors.js'
import { IntrospectionFailure } from './introspection-failure.js'

/**
 * Verifies only the signature of a JWT, with an algorithm that the issuer may use. The claims have no
 * duplicate members and are deeply frozen.
 *
 * @throws if the signature is invalid, or cannot be verified.
 */
export type VerifySignature = (jwt: string) => Promise<{
  readonly header: { readonly alg: string; readonly typ: string | undefined }
  readonly claims: Readonly<Record<string, unknown>>
}>

export interface SignedResponseOptions {
  readonly issuer: string
  /** The client id and the audiences of this resource server; `aud` must contain one of them. */
  readonly names: ReadonlySet<string>
  readonly verifySignature: VerifySignature
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Allows for clock skew and transmission. In seconds. */
const MAX_AGE_SECONDS = 300

/**
 * @param algorithms the signing algorithms in the issuer's metadata, if there are any.
 * @throws {IntrospectionFailure} naming the first check that fails.
 */
export async function readSignedResponse(
  jwt: string,
  algorithms: readonly string[] | undefined,
  { issuer, names, verifySignature, now }: SignedResponseOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const { header, claims } = await verifySignature(jwt).catch((error) => {
    // The original message may contain claims, and is worded for the bearer of an access token.
    throw error instanceof KeysUnavailableError
      ? unusable("cannot be verified, because the issuer's keys are unavailable")
      : unusable('has no valid signature of the issuer')
  })
  if (algorithms !== undefined && !algorithms.includes(header.alg)) {
    throw unusable("is signed with an algorithm that the issuer's metadata does not list")
  }
  if (header.typ !== 'token-introspection+jwt')
    throw unusable('does not have "typ": token-introspection+jwt')
  const { iss, aud, iat, token_introspection: response } = ownMembers(claims)
  if (iss !== issuer) throw unusable('is from another issuer')
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audience.some((value) => typeof value === 'string' && names.has(value))) {
    throw unusable('is for another resource server')
  }
  // Negated comparison, so that NaN fails the check.
  const age = typeof iat === 'number' ? Math.abs(now() / 1000 - iat) : Number.NaN
  if (!(age <= MAX_AGE_SECONDS))
    throw unusable(`has an "iat" more than ${MAX_AGE_SECONDS} seconds from now`)
  if (!isJsonObject(response)) throw unusable('has no "token_introspection"')
  return response
}

function unusable(what: string): IntrospectionFailure {
  return new IntrospectionFailure(`the signed introspection response ${what}`, {
    attributedTo: 'token',
  })
}
