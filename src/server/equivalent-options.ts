/** Names of options in other packages, each with the option of this package that replaces it. */

const SCOPE = '"scope" in config.auth of each route'
const OPEN_ROUTES = 'config: { auth: false } on each route to open'

export const EQUIVALENT_OPTIONS: ReadonlyMap<string, string> = new Map([
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
  ['requiredScopes', SCOPE],
  ['scope', SCOPE],
  ['scopes', SCOPE],
])
