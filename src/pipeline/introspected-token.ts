/**
 * Verifies a token by introspection (RFC 7662 §2.2). The members of the response are checked like
 * the claims of a JWT, because an active token may still be meant for another audience. Only the
 * checks that {@link RELAXED_SHAPE} turns off are left out.
 */
import { AccessToken } from '../access-token/access-token.js'
import { type AccessTokenClaims, timesOf } from '../access-token/access-token-claims.js'
import type { ClaimReader } from '../access-token/claim-reader.js'
import type { Confirmation } from '../access-token/confirmation.js'
import type { ScopeHierarchy } from '../access-token/scope-hierarchy.js'
import { ownMember } from '../base/plain-object.js'
import { isToken68 } from '../base/request-headers.js'
import { InvalidTokenError } from '../errors/errors.js'
import {
  andThen,
  isRejection,
  type Rejection,
  type Result,
  type StepResult,
} from '../errors/result.js'
import { type Issuer, untrustedIssuer } from '../issuer/issuer.js'
import { standardProfile } from '../issuer/providers/standard.js'
import { checkTimes, type TimeLimits, verifyClaims } from '../token/claims.js'
import type { Claims } from '../token/compact-jws.js'
import { isCheapToParse } from '../token/json-cost.js'
import { notAnAccessToken } from '../token/token-type.js'
import {
  type BindingRules,
  checkSameBinding,
  confirmationIn,
  decodedParts,
  embeddedConfirmation,
} from './introspected-binding.js'
import { mergeResponse } from './merged-token.js'

export interface IntrospectionRules extends BindingRules {
  readonly limits: TimeLimits
  readonly hierarchy: ScopeHierarchy | undefined
  /** Returns the current time in whole seconds since the epoch. */
  readonly now: () => number
}

/**
 * Introspects a token and verifies the response.
 *
 * @param raw the token as the caller sent it, which the issuer receives.
 * @param content the decrypted token, whose binding is enforced; the same as `raw` if the token is
 *   not encrypted.
 * @returns the token or a rejection. If the result is a promise, it rejects with the rejection.
 */
export function introspectToken(
  raw: string,
  content: string,
  issuer: Issuer,
  rules: IntrospectionRules,
): StepResult<AccessToken> {
  const unsendable = checkSendable(raw)
  if (unsendable !== undefined) return unsendable
  const texts = decodedParts(content)
  // An attacker can craft text that is costly to parse. Such text is parsed only if the token is
  // active.
  const isCheap = texts.every(isCheapToParse)
  const early = isCheap ? embeddedConfirmation(texts, rules) : undefined
  if (isRejection(early)) return early
  return andThen(requestIntrospection(raw, issuer, false), (response) => {
    const checked = checkResponse(response, issuer, rules)
    if (isRejection(checked)) return checked
    const { claims, responded } = checked
    const embedded = isCheap ? early : embeddedConfirmation(texts, rules)
    if (isRejection(embedded)) return embedded
    const differing = embedded && checkSameBinding(responded, embedded)
    if (differing !== undefined) return differing
    const confirmation = responded ?? embedded
    const { hierarchy } = rules
    return new AccessToken({ raw, claims, confirmation, reader: readerOf(issuer), hierarchy })
  })
}

/**
 * Introspects a verified JWT. The checks use each member of the response instead of the claim with
 * the same name. The returned token keeps the claims of the JWT; with `introspection.claims: 'merge'`,
 * the response adds claims that the JWT lacks. The response can narrow the scope of the JWT but never
 * widen it.
 */
export function verifyActive(
  token: AccessToken,
  issuer: Issuer,
  rules: IntrospectionRules,
): StepResult<AccessToken> {
  return andThen(requestIntrospection(token.raw, issuer, true), (received) => {
    const response = withoutNulls(received)
    const claims = verifyResponse(response, token.claims, issuer, rules)
    if (isRejection(claims)) return claims
    const responded = confirmationIn(response, rules)
    if (isRejection(responded)) return responded
    const differing = checkSameBinding(responded, token.confirmation)
    if (differing !== undefined) return differing
    const narrowed = narrowScope(token, response, issuer, rules)
    if (issuer.introspection?.claims !== 'merge') return narrowed
    const { limits, hierarchy, now } = rules
    const merged = mergeResponse(token, narrowed.scope, response, {
      reader: readerOf(issuer),
      hierarchy,
    })
    // The JWT may have expired during the introspection request.
    return checkTimes(merged.times, limits, now()) ?? merged
  })
}

function narrowScope(
  token: AccessToken,
  response: Claims,
  { profile }: Issuer,
  { hierarchy }: IntrospectionRules,
): AccessToken {
  if (ownMember(response, 'scope') === undefined) return token
  const { raw, claims, confirmation } = token
  const granted = new Set(standardProfile.scope(response as AccessTokenClaims))
  const scope = [...token.scope].filter((item) => granted.has(item))
  if (scope.length === token.scope.size) return token
  const reader = { ...profile, scope: () => scope, scopeHint: undefined }
  return new AccessToken({ raw, claims, confirmation, reader, hierarchy })
}

function requestIntrospection(
  raw: string,
  { introspection }: Issuer,
  isVerified: boolean,
): StepResult<Claims> {
  const requested = introspection?.introspector.introspect(raw, isVerified)
  return andThen(requested, (response) => (response === undefined ? inactive() : response))
}

/**
 * Returns the response without optional members that are `null`, because some issuers send `null`
 * instead of omitting a member. Keeps all other members: `null` in `active`, `aud`, `exp` or `cnf`,
 * for example, must cause a rejection.
 */
function withoutNulls(response: Claims): Claims {
  if (!OPTIONAL_MEMBERS.some((name) => ownMember(response, name) === null)) return response
  return Object.fromEntries(
    Object.entries(response).filter(
      ([name, value]) => value !== null || !OPTIONAL_MEMBERS.includes(name),
    ),
  )
}

/** Members that may be `null`: those of RFC 7662 §2.2 except `exp` and `aud`, and vendors' own. */
const OPTIONAL_MEMBERS: readonly string[] = [
  'iss',
  'sub',
  'nbf',
  'iat',
  'jti',
  'token_type',
  'scope',
  'client_id',
  'username',
  'cid',
  'azp',
]

function inactive(): Rejection {
  return new InvalidTokenError('The access token is not active', {
    check: 'introspection',
    expected: 'an introspection response with "active": true',
    found: 'a token that is unknown to the issuer, expired or revoked',
  })
}

/**
 * Rejects a token with characters that token68 does not allow, such as line breaks, before it is
 * sent to the issuer. The pipeline has already checked the length of the token.
 */
function checkSendable(raw: string): Rejection | undefined {
  if (isToken68(raw)) return undefined
  return new InvalidTokenError('The access token is malformed', {
    check: 'token',
    expected: 'characters that RFC 9110 §11.2 allows',
  })
}

interface CheckedResponse {
  readonly issuer: Issuer
  readonly claims: AccessTokenClaims
  /** The binding that the response names. */
  readonly responded: Confirmation | undefined
}

/** Valid responses; those in the cache are checked once, except for their times. */
const checkedResponses = new WeakMap<Claims, CheckedResponse>()

/** Checks the response for a token whose claims are not known otherwise. */
function checkResponse(
  response: Claims,
  issuer: Issuer,
  rules: IntrospectionRules,
): Result<CheckedResponse> {
  const known = checkedResponses.get(response)
  if (known?.issuer === issuer) {
    return checkTimes(timesOf(known.claims), rules.limits, rules.now()) ?? known
  }
  const members = withoutNulls(response)
  const claims = verifyResponse(members, {}, issuer, rules)
  if (isRejection(claims)) return claims
  const responded = confirmationIn(members, rules)
  if (isRejection(responded)) return responded
  const checked = { issuer, claims, responded }
  checkedResponses.set(response, checked)
  return checked
}

function verifyResponse(
  { active, ...members }: Claims,
  tokenClaims: Claims,
  { issuer, expectations, requiredClaims }: Issuer,
  { limits, now }: IntrospectionRules,
): Result<AccessTokenClaims> {
  const claims = Object.freeze({ iss: issuer, ...tokenClaims, ...members })
  const iss = ownMember(members, 'iss')
  if (iss !== undefined && iss !== (ownMember(tokenClaims, 'iss') ?? issuer)) {
    return untrustedIssuer(issuer, iss)
  }
  const shape = { ...expectations, ...RELAXED_SHAPE, requiredClaims }
  return (
    checkTokenType(members) ?? verifyClaims({ header: NO_HEADER, claims }, shape, limits, now())
  )
}

/**
 * Accepts the token types `Bearer` (RFC 6749 §7.1) and `DPoP` (RFC 9449 §5), ignoring case, and a
 * response without `token_type`. Rejects other types, because a refresh token, for example, may be
 * active as well.
 */
function checkTokenType(response: Claims): Rejection | undefined {
  const type = ownMember(response, 'token_type')
  if (type === undefined) return undefined
  if (typeof type === 'string' && /^(?:bearer|dpop)$/i.test(type)) return undefined
  return notAnAccessToken('"token_type": Bearer or DPoP')
}

const NO_HEADER = { alg: '', kid: undefined, typ: undefined, parameters: {} }

/**
 * Turns off the checks of header parameters, which a response lacks, and those of the profile, which
 * are for JWTs.
 */
const RELAXED_SHAPE = {
  allowMissingTyp: true,
  checkAccessToken: () => undefined,
}

/**
 * Returns a reader that prefers the members `scope` and `client_id` (RFC 7662 §2.2) to the claims
 * in which the issuer's JWTs contain the scope and the client.
 */
function readerOf({ profile }: Issuer): ClaimReader {
  const readerOfScope = (claims: AccessTokenClaims) =>
    ownMember(claims, 'scope') === undefined ? profile : standardProfile
  return {
    ...profile,
    scope: (claims) => readerOfScope(claims).scope(claims),
    scopeHint: (claims) => readerOfScope(claims).scopeHint?.(claims),
    clientId: (claims) =>
      (ownMember(claims, 'client_id') === undefined ? profile : standardProfile).clientId(claims),
  }
}
