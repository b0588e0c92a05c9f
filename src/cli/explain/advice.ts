/** What to do about a refusal: the likely mistake, as far as the token shows it, and its mend. */
import type { AccessTokenClaims } from '../../access-token-claims.js'
import type { ResourceServerError } from '../../errors.js'
import type { Claims, Issuer } from '../../issuer/issuer.js'
import type { Requirement } from '../../policy/requirement.js'
import { isExpectedType } from '../../token/claims.js'
import type { CompactJws } from '../../token/compact-jws.js'
import { issuerAdvice } from './issuer-advice.js'
import { type StepName, stepOf } from './step.js'
import { durationOf, timeOf } from './time.js'

/** What is known where the advice is given. */
export interface Facts {
  readonly raw: string
  /** The one that is trusted. */
  readonly issuer: Issuer
  readonly requirement: Requirement
  /** Seconds since the epoch. */
  readonly now: number
  /** The token, where it can be read. */
  readonly token: () => CompactJws | undefined
}

type Advice = (
  facts: Facts & { readonly error: ResourceServerError; readonly jws: CompactJws },
) => string

export function adviser(facts: Facts): (error: ResourceServerError) => string {
  return (error) => {
    const jws = facts.token() ?? UNREADABLE
    return ADVICE[stepOf(error.check)]({ ...facts, error, jws })
  }
}

const ADVICE: Readonly<Record<StepName, Advice>> = {
  credentials: () =>
    'Give the token alone, as it stands in "access_token": no quotation marks, no line breaks, nothing else.',
  token: ({ raw }) => tokenAdvice(raw),
  issuer: ({ jws, issuer }) => issuerAdvice(jws.claims, issuer.issuer),
  algorithm: ({ jws }) => algorithmAdvice(jws.header.alg),
  key: ({ error, issuer }) =>
    error.check === 'keys-unavailable'
      ? `Check that ${issuer.issuer} is spelt as its own metadata has it and can be reached from here; or name its key set with --jwks-uri.`
      : 'The issuer does not publish the key that signed it: the token is of another environment or tenant, or older than the last change of keys. Get a new one from this issuer.',
  signature: () =>
    'It was changed after it was signed, cut, or signed with another key of the same name. Copy it anew, whole; if it stays so, do not trust it.',
  kind: ({ jws, issuer }) => kindAdvice(jws, issuer),
  claims: ({ jws, error, issuer }) =>
    looksLikeIdToken(jws.claims)
      ? SEND_ACCESS_TOKEN
      : `The profile ${issuer.profile.name} needs ${error.expected}. Have the issuer put it into access tokens, or choose another --profile; if it is an ID token, send the access token instead.`,
  times: timeAdvice,
  audience: audienceAdvice,
  binding: () =>
    'The token is bound to its client. The API must take such tokens (option "dpop" or "mtls"), and the client send the proof along: a bearer token is not enough.',
  policy: ({ jws, issuer, requirement }) => {
    const granted = issuer.profile.scope(jws.claims as AccessTokenClaims).join(' ') || 'nothing'
    return `It grants: ${granted}. Ask for the scope when getting the token (token --scope "${requirement.scope}"), and see that the issuer grants it to this client and user.`
  },
}

const SEND_ACCESS_TOKEN =
  'This looks like an ID token, which tells the client who signed in. Send the access token instead: "access_token" of the token response, not "id_token".'

function tokenAdvice(raw: string): string {
  switch (raw.split('.').length) {
    case 1:
      return 'An opaque token can only be verified by asking its issuer: get a JWT (Auth0: name the API with --audience; Okta: use a custom authorization server), or configure "introspection" in the API.'
    case 3:
      // "alg": "none" has an empty third part (RFC 7519 §6.1), which is refused unread.
      if (raw.endsWith('.')) return UNSIGNED
      return 'It is not a JWT as an issuer makes it. Copy it anew, whole and unchanged.'
    case 5:
      return 'Have the issuer send signed tokens for this API, and not encrypted ones.'
    default:
      return 'A JWT has two dots in it. Copy the token anew, whole, and nothing else.'
  }
}

const UNSIGNED = 'The token is not signed at all: anybody can have made it.'

function algorithmAdvice(alg: string): string {
  if (/^HS\d+$/.test(alg)) {
    return `${alg} needs a secret that the API shares with the issuer. Have the issuer sign with RS256 or ES256 (Auth0: "Signing Algorithm" of the API).`
  }
  if (/^none$/i.test(alg)) return UNSIGNED
  return 'Have the issuer sign with an algorithm that is expected here.'
}

function kindAdvice({ claims, header }: CompactJws, { expectations, profile }: Issuer): string {
  if (looksLikeIdToken(claims)) return SEND_ACCESS_TOKEN
  return isExpectedType(header.typ, expectations)
    ? "Send an access token: this is an ID token, a refresh token or another of the issuer's."
    : `The profile ${profile.name} takes no token with this "typ". If it is an access token all the same, have the issuer mend it, or choose another --profile.`
}

/** OpenID Connect Core §2, §3.1.3.6; Cognito's and Keycloak's own words. */
function looksLikeIdToken(claims: Claims): boolean {
  return (
    ['at_hash', 'c_hash', 's_hash', 'nonce', 'amr'].some((name) => Object.hasOwn(claims, name)) ||
    claims.token_use === 'id' ||
    claims.typ === 'ID'
  )
}

function timeAdvice({ error, jws, now }: Parameters<Advice>[0]): string {
  const { exp, nbf, iat } = jws.claims as Record<string, number>
  const clocks = `Compare the issuer's clock with this one, which says ${timeOf(now)}; the API's "clockTolerance" may be up to 300 s.`
  switch (error.check) {
    case 'expiry': {
      const ago = now - (exp as number)
      const expired = `It expired ${durationOf(ago)} ago, at ${timeOf(exp as number)}: get a new one.`
      return ago <= MAX_SKEW ? `${expired} If it should be good still: ${clocks}` : expired
    }
    case 'not-before':
      return `It is good from ${timeOf(nbf as number)} on, in ${durationOf((nbf as number) - now)}. ${clocks}`
    case 'issued-at':
      return `It was issued at ${timeOf(iat as number)}, ${durationOf((iat as number) - now)} from now. ${clocks}`
    default:
      return 'Get a new one: it is older than --max-token-age allows, or does not say how old it is ("iat").'
  }
}

/** What clocks may be apart and be somebody's mistake still. */
const MAX_SKEW = 3_600

function audienceAdvice({ jws, issuer }: Parameters<Advice>[0]): string {
  const { claims } = jws
  const { aud, azp, cid, client_id: clientId, appid } = claims
  if (looksLikeIdToken(claims)) return SEND_ACCESS_TOKEN
  const hint = issuer.expectations.audienceHint
  if (aud !== undefined && [azp, cid, clientId, appid].includes(aud)) {
    return "Its audience is the client: ask for a token for this API (Auth0: --audience; Entra ID: the API's own scope), and see that it is not an ID token."
  }
  const said = hint === undefined ? '' : ` Here: ${hint}.`
  return `Ask for a token for this API; or, if this is what the issuer calls it, have the API's "audience" say so, exactly.${said}`
}

const UNREADABLE = { claims: {}, header: { alg: '' } } as CompactJws
