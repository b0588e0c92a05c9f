/**
 * Issuers that are known by their address: which profile their tokens are of, and what is wrong
 * with an address that no token will ever name. A mistake here is found when the server starts; it
 * would be a refusal of every token otherwise.
 *
 * Keycloak is not among them: anybody may have `/realms/` in a path.
 */
import type { ProfileName } from '../providers/profile.js'
import { auth0Mistake, isAuth0Domain } from './auth0.js'
import { cognitoMistake, isCognitoHost } from './cognito.js'
import { documentMistake } from './documents.js'
import { entraMistake, isEntraHost } from './entra.js'
import { isOktaDomain, oktaMistake } from './okta.js'

interface Known {
  readonly profile: ProfileName
  readonly is: (url: URL) => boolean
  readonly mistake: (url: URL, issuer: string, isIntrospected: boolean) => string | undefined
}

const KNOWN: readonly Known[] = [
  { profile: 'okta', is: isOktaDomain, mistake: oktaMistake },
  { profile: 'auth0', is: isAuth0Domain, mistake: auth0Mistake },
  { profile: 'entra', is: isEntraHost, mistake: entraMistake },
  { profile: 'cognito', is: isCognitoHost, mistake: cognitoMistake },
]

/** `standard` for an address that tells nothing. */
export function profileOf(url: URL | undefined): ProfileName {
  const known = url && KNOWN.find(({ is }) => is(url))
  return known?.profile ?? 'standard'
}

/** Why no token can come from this issuer, with the mend; `undefined` if some may. */
export function issuerMistake(
  url: URL,
  issuer: string,
  { isIntrospected = false, isFetched = false } = {},
): string | undefined {
  const known = KNOWN.find(({ is }) => is(url))
  return known?.mistake(url, issuer, isIntrospected) ?? documentMistake(url, isFetched)
}
