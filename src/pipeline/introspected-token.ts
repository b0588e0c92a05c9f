/**
 * A token that its issuer vouches for (RFC 7662 §2.2). What the issuer says of it is checked as the
 * claims of a JWT are: that a token is active doesn't make it one for us.
 */
import { AccessToken, type ClaimReader } from '../access-token/access-token.js'
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import {
  boundCertificateOf,
  boundKeyOf,
  type Confirmation,
  readConfirmation,
} from '../access-token/confirmation.js'
import { parseJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { isToken68 } from '../base/request-headers.js'
import type { Binding } from '../binding/binding.js'
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
import { notAnAccessToken, type TimeLimits, verifyClaims } from '../token/claims.js'
import type { Claims } from '../token/compact-jws.js'
import { decodeText } from '../token/compact-serialization.js'
import { isCheapToParse } from '../token/json-cost.js'

export interface IntrospectionRules {
  readonly binding: Pick<Binding, 'checkProvable'>
  readonly limits: TimeLimits
  /** Whole seconds since the epoch. */
  readonly now: () => number
}

/** @returns the refusal of one that isn't good, or rejects with it. */
export function introspectToken(
  raw: string,
  issuer: Issuer,
  rules: IntrospectionRules,
): StepResult<AccessToken> {
  const unsendable = checkSendable(raw)
  if (unsendable !== undefined) return unsendable
  const texts = textsIn(raw)
  // What an attacker made costly to parse is parsed only if the issuer calls the token active.
  const isCheap = texts.every(isCheapToParse)
  const early = isCheap ? ownConfirmation(texts, rules) : undefined
  if (isRejection(early)) return early
  return andThen(answerAbout(raw, issuer, false), (answer) => {
    const claims = verifyAnswer(answer, {}, issuer, rules)
    if (isRejection(claims)) return claims
    const said = confirmationIn(answer, rules)
    if (isRejection(said)) return said
    const own = isCheap ? early : ownConfirmation(texts, rules)
    if (isRejection(own)) return own
    const refused = own && checkSameBinding(said, own)
    if (refused !== undefined) return refused
    const confirmation = said ?? own
    return new AccessToken({ raw, claims, confirmation, reader: readerOf(issuer) })
  })
}

/**
 * The same token again if its issuer says so. What it says now goes before what the token says, and
 * may take away some of the scope.
 */
export function verifyActive(
  token: AccessToken,
  issuer: Issuer,
  rules: IntrospectionRules,
): StepResult<AccessToken> {
  return andThen(answerAbout(token.raw, issuer, true), (answer) => {
    const claims = verifyAnswer(answer, token.claims, issuer, rules)
    if (isRejection(claims)) return claims
    const said = confirmationIn(answer, rules)
    if (isRejection(said)) return said
    return checkSameBinding(said, token.confirmation) ?? narrowed(token, answer, issuer)
  })
}

function narrowed(token: AccessToken, answer: Claims, { profile }: Issuer): AccessToken {
  if (ownMember(answer, 'scope') === undefined) return token
  const { raw, claims, confirmation } = token
  const granted = new Set(standardProfile.scope(answer as AccessTokenClaims))
  const scope = [...token.scope].filter((one) => granted.has(one))
  if (scope.length === token.scope.size) return token
  const reader = { ...profile, scope: () => scope }
  return new AccessToken({ raw, claims, confirmation, reader })
}

function answerAbout(
  raw: string,
  { introspection }: Issuer,
  isVerified: boolean,
): StepResult<Claims> {
  const answered = introspection?.introspector.introspect(raw, isVerified)
  return andThen(answered, (answer) => (answer === undefined ? inactive() : withoutNulls(answer)))
}

/**
 * Some issuers write `null` for an optional member that they have no value for. What rejects a token
 * stays as it is: `active`, `aud`, `exp` and `cnf`, and whatever else isn't named here.
 */
function withoutNulls(answer: Claims): Claims {
  if (!OPTIONAL_MEMBERS.some((name) => ownMember(answer, name) === null)) return answer
  return Object.fromEntries(
    Object.entries(answer).filter(
      ([name, value]) => value !== null || !OPTIONAL_MEMBERS.includes(name),
    ),
  )
}

/** RFC 7662 §2.2, and what vendors add for the client. */
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
    expected: 'an answer of the issuer that says "active": true',
    found: 'a token that is unknown there, expired or revoked',
  })
}

/** The issuer gets no line breaks to see of us. How long it may be was looked at before. */
function checkSendable(raw: string): Rejection | undefined {
  if (isToken68(raw)) return undefined
  return new InvalidTokenError('The access token is malformed', {
    check: 'token',
    expected: 'characters that RFC 9110 §11.2 allows',
  })
}

function verifyAnswer(
  { active, ...said }: Claims,
  own: Claims,
  { issuer, expectations }: Issuer,
  { limits, now }: IntrospectionRules,
): Result<AccessTokenClaims> {
  const claims = Object.freeze({ iss: issuer, ...own, ...said })
  const iss = ownMember(said, 'iss')
  if (iss !== undefined && iss !== (ownMember(own, 'iss') ?? issuer)) {
    return untrustedIssuer(issuer, iss)
  }
  const shape = { ...expectations, ...ANY }
  return checkTokenType(said) ?? verifyClaims({ header: NO_HEADER, claims }, shape, limits, now())
}

/**
 * RFC 6749 §7.1, without regard to case; `DPoP` for a token that is bound to a key (RFC 9449 §5). A
 * refresh token, for one, may be active as well.
 */
function checkTokenType(answer: Claims): Rejection | undefined {
  const type = ownMember(answer, 'token_type')
  if (type === undefined) return undefined
  if (typeof type === 'string' && /^(?:bearer|dpop)$/i.test(type)) return undefined
  return notAnAccessToken('"token_type": Bearer or DPoP')
}

/** RFC 9449 §6.2, RFC 8705 §3.2: what the token is bound to is in the answer. */
function confirmationIn(
  answer: Claims,
  { binding }: IntrospectionRules,
): Result<Confirmation | undefined> {
  const confirmation = readConfirmation(answer)
  if (isRejection(confirmation)) return confirmation
  const type = ownMember(answer, 'token_type')
  if (boundKeyOf(confirmation) === undefined && typeof type === 'string' && /^dpop$/i.test(type)) {
    // Bound to a key, and nobody says to which.
    return bindingDiffers('"jkt" in "cnf" of a DPoP token')
  }
  return binding.checkProvable(confirmation) ?? confirmation
}

/**
 * The texts in the parts of a token with dots in it. Each part is read, because an issuer may forgive a
 * dot too many or too few, which makes a JWT an opaque token to us.
 */
function textsIn(raw: string): readonly string[] {
  const parts = raw.split('.')
  return parts.length === 1 ? [] : parts.flatMap((part) => decodeText(part) ?? [])
}

/**
 * What a JWT that we verify nothing of says that it is bound to: an issuer that leaves it out of its
 * answer doesn't make it a bearer token. Whoever wrote it there can only have it refused.
 */
function ownConfirmation(
  texts: readonly string[],
  { binding }: IntrospectionRules,
): Result<Confirmation | undefined> {
  const said: Confirmation[] = []
  for (const text of texts) {
    const claims = parseJsonObject(text)
    const one = claims && readConfirmation(claims)
    if (isRejection(one)) return one
    if (one !== undefined) said.push(one)
  }
  const [own] = said
  if (said.every((one) => isSameBinding(one, own))) return binding.checkProvable(own) ?? own
  return bindingDiffers('one binding', 'several')
}

/** What the issuer says of it now may not loosen what it was signed with. */
function checkSameBinding(
  now: Confirmation | undefined,
  signed: Confirmation | undefined,
): Rejection | undefined {
  if (now === undefined || isSameBinding(now, signed)) return undefined
  return bindingDiffers('the binding that the token itself has')
}

function isSameBinding(one: Confirmation, other: Confirmation | undefined): boolean {
  return (
    boundKeyOf(one) === boundKeyOf(other) && boundCertificateOf(one) === boundCertificateOf(other)
  )
}

function bindingDiffers(
  expected: string,
  found = 'another binding in the answer of the issuer',
): Rejection {
  return new InvalidTokenError(
    'The access token is bound to something that cannot be proven here',
    {
      check: 'binding',
      expected,
      found,
    },
  )
}

const NO_HEADER = { alg: '', kid: undefined, typ: undefined }

/** An answer has no `typ`, and need not have what only the issuer's JWTs have. */
const ANY = {
  requiredClaims: [],
  allowMissingTyp: true,
  checkAccessToken: () => undefined,
}

/** RFC 7662 §2.2 has names of its own for scope and client, whatever the issuer's JWTs call them. */
function readerOf({ profile }: Issuer): ClaimReader {
  return {
    ...profile,
    scope: (claims) =>
      (ownMember(claims, 'scope') === undefined ? profile : standardProfile).scope(claims),
    clientId: (claims) =>
      (ownMember(claims, 'client_id') === undefined ? profile : standardProfile).clientId(claims),
  }
}
