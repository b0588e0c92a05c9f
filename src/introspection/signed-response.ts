/**
 * Verifies a signed introspection response (RFC 9701 §5): signature, `typ`, `iss`, `aud` and age.
 * Returns only its claim `token_introspection`.
 *
 * This module does not use oauth4webapi, which leaves the signature to its caller, accepts
 * duplicate members in the claims, and supports one audience only.
 */

import { isJsonObject } from '../base/json-object.js'
import { ownMembers } from '../base/plain-object.js'
import { KeysUnavailableError } from '../errors/errors.js'
import { IntrospectionFailure } from './introspection-failure.js'

/**
 * Verifies only the signature of a JWT, with an algorithm that is allowed for the issuer. The
 * claims have no duplicate members and are deeply frozen.
 *
 * @throws {KeysUnavailableError} if the keys of the issuer are unavailable.
 * @throws another error if the JWT is malformed or its signature is invalid.
 */
export type VerifySignature = (jwt: string) => Promise<{
  readonly header: { readonly alg: string; readonly typ: string | undefined }
  readonly claims: Readonly<Record<string, unknown>>
}>

export interface SignedResponseOptions {
  readonly issuer: string
  /** The client ID and the audiences of this API; `aud` must contain one of them. */
  readonly names: ReadonlySet<string>
  readonly verifySignature: VerifySignature
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Maximum difference between `iat` and now; allows for clock skew and transmission. */
const MAX_AGE_SECONDS = 300

/**
 * Returns the claim `token_introspection` of a signed response.
 *
 * @param algorithms the signing algorithms in the issuer's metadata; `undefined` allows all.
 * @throws {IntrospectionFailure} whose message names the first check that fails.
 */
export async function readSignedResponse(
  jwt: string,
  algorithms: readonly string[] | undefined,
  { issuer, names, verifySignature, now }: SignedResponseOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const { header, claims } = await verifySignature(jwt).catch((error) => {
    // Drops the original error, which is about access tokens and whose reason may contain claims.
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
  if (iss !== issuer) throw unusable('has an "iss" that is not the issuer identifier')
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audience.some((value) => typeof value === 'string' && names.has(value))) {
    throw unusable('has neither the client ID nor the audience of this API in "aud"')
  }
  // Negated comparison, so that NaN fails the check.
  const age = typeof iat === 'number' ? Math.abs(now() / 1000 - iat) : Number.NaN
  if (!(age <= MAX_AGE_SECONDS))
    throw unusable(`has no "iat" within ${MAX_AGE_SECONDS} seconds of the current time`)
  if (!isJsonObject(response)) throw unusable('has no object "token_introspection"')
  return response
}

function unusable(what: string): IntrospectionFailure {
  return new IntrospectionFailure(`the signed introspection response ${what}`, {
    attributedTo: 'token',
  })
}
