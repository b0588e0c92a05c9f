/** Names of options in other packages, each with the option of this package that replaces it. */

import { REQUIREMENT_KEYS } from '../policy/requirement.js'

/** The options "dpop" and "mtls" exist as well. */
const REQUIREMENTS = REQUIREMENT_KEYS.filter((key) => key !== 'dpop' && key !== 'mtls')
const OPTIONAL = 'config: { auth: { optional: true } } on each route that accepts no token'
const OPEN_ROUTES = 'config: { auth: false } on each route to open'

export const EQUIVALENT_OPTIONS: ReadonlyMap<string, string> = new Map([
  ...REQUIREMENTS.map((key) => [key, `"${key}" in config.auth of each route`] as const),
  ['authority', '"issuer"'],
  ['allowedIss', '"issuer"'],
  ['domain', '"issuer", which is a URL,'],
  ['iss', '"issuer"'],
  ['issuerBaseURL', '"issuer"'],
  ['issuerUri', '"issuer"'],
  ['allowedAud', '"audience"'],
  ['aud', '"audience"'],
  ['jwksEndpoint', '"jwksUri"'],
  ['allowedAlgs', '"algorithms"'],
  ['tokenSigningAlg', '"algorithms"'],
  ['clockSkew', '"clockTolerance", in seconds'],
  ['leeway', '"clockTolerance", in seconds'],
  ['cacheMaxAge', '"cacheMaxAge" in "jwks", in milliseconds'],
  ['cooldownDuration', '"jwks"'],
  ['clientId', '"clientId" in "introspection"'],
  ['clientSecret', '"clientSecret" in "introspection"'],
  ['introspectionEndpoint', '"endpoint" in "introspection"'],
  ['cache', '"tokenCache", or "jwks" for keys,'],
  ['cookie', '"extractToken"'],
  ['timeout', '"timeout" in "jwks" or "introspection", in milliseconds,'],
  ['exclude', OPEN_ROUTES],
  ['publicPaths', OPEN_ROUTES],
  ['publicRoutes', OPEN_ROUTES],
  ['unless', OPEN_ROUTES],
  ['skip', OPEN_ROUTES],
  ['optional', OPTIONAL],
  ['credentialsRequired', OPTIONAL],
  ['authRequired', OPTIONAL],
  ['requiredScopes', '"scope" in config.auth of each route'],
  ['scopes', '"scope" in config.auth of each route'],
  ['auth', 'config.auth of each route'],
  ['maxAge', '"maxTokenAge", in seconds, or "maxAge" in config.auth of each route'],
])
