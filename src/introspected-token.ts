/**
 * A token that its issuer vouches for (RFC 7662 §2.2). What the issuer says of it is checked as the
 * claims of a JWT are: that a token is active doesn't make it one for us.
 */
import { AccessToken, type ClaimReader } from './access-token.js'
import type { AccessTokenClaims } from './access-token-claims.js'
import { requireUnbound } from './binding.js'
import { InvalidTokenError } from './errors.js'
import { type Claims, type Issuer, untrustedIssuer } from './issuer/issuer.js'
import { standard } from './issuer/profiles/standard.js'
import { andThen, type NowOrLater } from './now-or-later.js'
import { notAnAccessToken, requireClaims, type TimeLimits } from './token/claims.js'
import { isToken68 } from './token68.js'

export interface IntrospectionRules {
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
  return andThen(answerAbout(raw, issuer), (answer) => {
    const claims = requireGood(answer, {}, issuer, rules)
    return new AccessToken({ raw, claims, reader: readerOf(issuer) })
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
    return answer.scope === undefined ? token : narrowed(token, answer, issuer)
  })
}

function narrowed(token: AccessToken, answer: Claims, { profile }: Issuer): AccessToken {
  const { raw, claims } = token
  const granted = new Set(standard.scope(answer as AccessTokenClaims))
  const scope = [...token.scope].filter((one) => granted.has(one))
  if (scope.length === token.scope.size) return token
  return new AccessToken({ raw, claims, reader: { ...profile, scope: () => scope } })
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
  requireBearer(said.token_type)
  const good = requireClaims(
    { header: NO_HEADER, claims },
    { ...expectations, ...ANY },
    limits,
    now(),
  )
  requireUnbound(good)
  return good
}

/** RFC 6749 §7.1, without regard to case. A refresh token, for one, may be active as well. */
function requireBearer(type: unknown): void {
  if (type === undefined || (typeof type === 'string' && type.toLowerCase() === 'bearer')) return
  throw notAnAccessToken('"token_type": Bearer')
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
