/** The requests that each program of docs/migration.md receives, whose responses may differ. */
export function casesWith(issuer, otherIssuer) {
  const now = Math.floor(Date.now() / 1000)
  const bearing = (token, path = '/me') => ({ path, authorization: `Bearer ${token}` })
  const made = async (claims, options, path) =>
    bearing(await issuer.issueToken(claims, options), path)
  return {
    'a valid token': () => made(),
    'a valid token, signed with ES256': () => made({}, { algorithm: 'ES256' }),
    'a valid token with the required scope': () => made({}, { scope: 'orders:read' }, '/orders'),
    'a valid token without the required scope': () => made({}, { scope: 'profile' }, '/orders'),
    'the open route, no token': () => ({ path: '/health' }),
    'no token': () => ({ path: '/me' }),
    'an unknown route, no token': () => ({ path: '/nowhere' }),
    'another scheme: `Basic`': () => ({ path: '/me', authorization: 'Basic YTpi' }),
    'an opaque token': () => bearing('opaque'),
    'a changed signature': async () => bearing(tampered(await issuer.issueToken())),
    'an unknown `kid`': () => made({}, { header: { kid: 'unknown' } }),
    'a token that expired an hour ago': () => made({ iat: now - 7200, exp: now - 3600 }),
    'a token without `exp`': () => made({ exp: undefined }),
    'a token for another API': () => made({ aud: 'api://other' }),
    'a token without `aud`': () => made({ aud: undefined }),
    'another issuer’s token': async () => bearing(await otherIssuer.issueToken()),
    'an ID token for the client': async () => bearing(await issuer.issueIdToken()),
    'an ID token (`at_hash`) for the API': async () =>
      bearing(await issuer.issueIdToken({ aud: 'api://default', at_hash: 'A'.repeat(22) })),
    'a sender-constrained token (`cnf.jkt`) without proof': () =>
      made({ cnf: { jkt: 'A'.repeat(43) } }),
  }
}

function tampered(token) {
  const [header, claims, signature] = token.split('.')
  const middle = signature.length / 2
  const other = signature[middle] === 'A' ? 'B' : 'A'
  return [header, claims, signature.slice(0, middle) + other + signature.slice(middle + 1)].join(
    '.',
  )
}
