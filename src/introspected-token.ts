/**
 * A token that its issuer vouches for (RFC 7662 §2.2). What the issuer says of it is checked as the
 * claims of a JWT are: that a token is active doesn't make it one for us.
 */
import { AccessToken, type ClaimReader } from './access-token.js'
import type { AccessTokenClaims } from './access-token-claims.js'
import type { Binding } from './binding/binding.js'
import { type Confirmation, readConfirmation } from './confirmation.js'
import { InvalidTokenError } from './errors.js'
import { type Claims, type Issuer, untrustedIssuer } from './issuer/issuer.js'
import { standard } from './issuer/profiles/standard.js'
import { andThen, type NowOrLater } from './now-or-later.js'
import { notAnAccessToken, requireClaims, type TimeLimits } from './token/claims.js'
import { decodeObject } from './token/compact-serialization.js'
import { isToken68 } from './token68.js'

export interface IntrospectionRules {
  readonly binding: Pick<Binding, 'requireProvable'>
  readonly limits: TimeLimits
  /** Whole seconds since the epoch. */
  readonly now: () => number
}

/** @throws {ResourceServerError} or rejects with one. */
export function introspectToken(
  raw: string,
  issuer: Issuer,
  rules: IntrospectionRules,
): NowOrLater<AccessToken> {
  requireSendable(raw)
  const own = ownConfirmation(raw)
  rules.binding.requireProvable(own)
  return andThen(answerAbout(raw, issuer), (answer) => {
    const claims = requireGood(answer, {}, issuer, rules)
    const said = requireBindable(answer, rules)
    if (own !== undefined) requireSameBinding(said, own)
    const confirmation = said ?? own
    return new AccessToken({ raw, claims, confirmation, reader: readerOf(issuer) })
  })
}

/**
 * The same token again if its issuer says so. What it says now goes before what the token says, and
 * may take away some of the scope.
 */
export function requireActive(
  token: AccessToken,
  issuer: Issuer,
  rules: IntrospectionRules,
): NowOrLater<AccessToken> {
  return andThen(answerAbout(token.raw, issuer), (answer) => {
    requireGood(answer, token.claims, issuer, rules)
    requireSameBinding(requireBindable(answer, rules), token.confirmation)
    return answer.scope === undefined ? token : narrowed(token, answer, issuer)
  })
}

function narrowed(token: AccessToken, answer: Claims, { profile }: Issuer): AccessToken {
  const { raw, claims, confirmation } = token
  const granted = new Set(standard.scope(answer as AccessTokenClaims))
  const scope = [...token.scope].filter((one) => granted.has(one))
  if (scope.length === token.scope.size) return token
  const reader = { ...profile, scope: () => scope }
  return new AccessToken({ raw, claims, confirmation, reader })
}

function answerAbout(raw: string, { introspection }: Issuer): NowOrLater<Claims> {
  return andThen(introspection?.introspect(raw), (answer) => {
    if (answer !== undefined) return answer
    throw new InvalidTokenError('The access token is not active', {
      check: 'introspection',
      expected: 'an answer of the issuer that says "active": true',
      found: 'a token that is unknown there, expired or revoked',
    })
  })
}

/** The issuer gets no line breaks to see of us. How long it may be was looked at before. */
function requireSendable(raw: string): void {
  if (isToken68(raw)) return
  throw new InvalidTokenError('The access token is malformed', {
    check: 'token',
    expected: 'characters that RFC 9110 §11.2 allows',
  })
}

function requireGood(
  { active, ...said }: Claims,
  own: Claims,
  { issuer, expectations }: Issuer,
  { limits, now }: IntrospectionRules,
): AccessTokenClaims {
  const claims = Object.freeze({ iss: issuer, ...own, ...said })
  if (said.iss !== undefined && said.iss !== (own.iss ?? issuer)) {
    throw untrustedIssuer(issuer, said.iss)
  }
  requireAccessTokenType(said)
  return requireClaims({ header: NO_HEADER, claims }, { ...expectations, ...ANY }, limits, now())
}

/**
 * RFC 6749 §7.1, without regard to case; `DPoP` for a token that is bound to a key (RFC 9449 §5). A
 * refresh token, for one, may be active as well.
 */
function requireAccessTokenType({ token_type: type }: Claims): void {
  if (type === undefined) return
  if (typeof type === 'string' && /^(?:bearer|dpop)$/i.test(type)) return
  throw notAnAccessToken('"token_type": Bearer or DPoP')
}

/** RFC 9449 §6.2, RFC 8705 §3.2: what the token is bound to is in the answer. */
function requireBindable(
  answer: Claims,
  { binding }: IntrospectionRules,
): Confirmation | undefined {
  const confirmation = readConfirmation(answer)
  const { token_type: type } = answer
  if (confirmation?.jkt === undefined && typeof type === 'string' && /^dpop$/i.test(type)) {
    // Bound to a key, and nobody says to which.
    throw bindingDiffers('"jkt" in "cnf" of a DPoP token')
  }
  binding.requireProvable(confirmation)
  return confirmation
}

/**
 * What a JWT that we verify nothing of says that it is bound to: an issuer that leaves it out of its
 * answer doesn't make it a bearer token. Each part is read, because an issuer may forgive a dot too
 * many or too few, which makes it an opaque token to us. Whoever wrote it there can only have it
 * refused.
 */
function ownConfirmation(raw: string): Confirmation | undefined {
  const parts = raw.split('.')
  if (parts.length === 1) return undefined
  const said = parts
    .map(decodeObject)
    .flatMap((claims) => (claims && readConfirmation(claims)) ?? [])
  const [own] = said
  if (said.every((one) => isSameBinding(one, own))) return own
  throw bindingDiffers('one binding', 'several')
}

/** What the issuer says of it now may not loosen what it was signed with. */
function requireSameBinding(now: Confirmation | undefined, signed: Confirmation | undefined): void {
  if (now === undefined || isSameBinding(now, signed)) return
  throw bindingDiffers('the binding that the token itself has')
}

function isSameBinding(one: Confirmation, other: Confirmation | undefined): boolean {
  return one.jkt === other?.jkt && one['x5t#S256'] === other?.['x5t#S256']
}

function bindingDiffers(
  expected: string,
  found = 'another binding in the answer of the issuer',
): InvalidTokenError {
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
  typeOptional: true,
  requireAccessToken: () => {},
}

/** RFC 7662 §2.2 has names of its own for scope and client, whatever the issuer's JWTs call them. */
function readerOf({ profile }: Issuer): ClaimReader {
  return {
    ...profile,
    scope: (claims) => (claims.scope === undefined ? profile : standard).scope(claims),
    clientId: (claims) => (claims.client_id === undefined ? profile : standard).clientId(claims),
  }
}
