/**
 * An answer as a JWT (RFC 9701 §5): the issuer's signature, its kind, its sender, its addressee and
 * its age; and of its claims nothing but `token_introspection`.
 *
 * These checks are ours and not oauth4webapi's, which leaves the signature to its caller, reads the
 * claims with a parser that lets duplicates pass, and knows one name for the addressee.
 */

import { isJsonObject } from '../base/json-object.js'
import { ownMembers } from '../base/plain-object.js'
import { KeysUnavailableError } from '../errors/errors.js'
import { IntrospectionFailure } from './introspection-failure.js'

/**
 * Verifies that the issuer signed a JWT, with an algorithm that is allowed for it, and no more than
 * that. The claims come without duplicate members, frozen all the way down.
 *
 * @throws if it didn't, or if that can't be known.
 */
export type VerifySignature = (jwt: string) => Promise<{
  readonly header: { readonly alg: string; readonly typ: string | undefined }
  readonly claims: Readonly<Record<string, unknown>>
}>

export interface SignedAnswerOptions {
  readonly issuer: string
  /** The names of this resource server: its client id, its audience. One of them is in `aud`. */
  readonly names: ReadonlySet<string>
  readonly verifySignature: VerifySignature
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Between the issuer's clock and ours, and for the way. In seconds. */
const MAX_AGE = 300

/**
 * @param algorithms those that the issuer's metadata names, if it does.
 * @throws {IntrospectionFailure} with the first check that fails.
 */
export async function readSignedAnswer(
  jwt: string,
  algorithms: readonly string[] | undefined,
  { issuer, names, verifySignature, now }: SignedAnswerOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const { header, claims } = await verifySignature(jwt).catch((error) => {
    // The message itself may be about a token, in words that are for its bearer.
    throw error instanceof KeysUnavailableError
      ? unusable("cannot be verified, because the issuer's keys are out of reach")
      : unusable('has no valid signature of the issuer')
  })
  if (algorithms !== undefined && !algorithms.includes(header.alg)) {
    throw unusable('is signed with an algorithm that the issuer does not name for it')
  }
  if (header.typ !== 'token-introspection+jwt') throw unusable('is a JWT of another kind')
  const { iss, aud, iat, token_introspection: answer } = ownMembers(claims)
  if (iss !== issuer) throw unusable('is from another issuer')
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audience.some((one) => typeof one === 'string' && names.has(one))) {
    throw unusable('is for another resource server')
  }
  // A number, and written so that a clock that tells no time refuses.
  const age = typeof iat === 'number' ? Math.abs(now() / 1000 - iat) : Number.NaN
  if (!(age <= MAX_AGE)) throw unusable('was not made just now')
  if (!isJsonObject(answer)) throw unusable('has no "token_introspection"')
  return answer
}

function unusable(what: string): IntrospectionFailure {
  return new IntrospectionFailure(`the signed introspection answer ${what}`, { of: 'token' })
}
