/** What is asked of each API of docs/migration.md: the requests whose answers may differ. */
export function casesWith(issuer, stranger) {
  const now = Math.floor(Date.now() / 1000)
  const bearing = (token, path = '/me') => ({ path, authorization: `Bearer ${token}` })
  const made = async (claims, options, path) =>
    bearing(await issuer.issueToken(claims, options), path)
  return {
    'a good token': () => made(),
    'a good token, signed with ES256': () => made({}, { algorithm: 'ES256' }),
    'a good token, where a scope is asked for': () => made({}, { scope: 'orders:read' }, '/orders'),
    'a token without that scope': () => made({}, { scope: 'profile' }, '/orders'),
    'the open route, without a token': () => ({ path: '/health' }),
    'no token': () => ({ path: '/me' }),
    'no token, on a route that does not exist': () => ({ path: '/nowhere' }),
    'another scheme: `Basic`': () => ({ path: '/me', authorization: 'Basic YTpi' }),
    'an opaque token': () => bearing('opaque'),
    'a changed signature': async () => bearing(tampered(await issuer.issueToken())),
    'an unknown `kid`': () => made({}, { header: { kid: 'unknown' } }),
    'expired an hour ago': () => made({ iat: now - 7200, exp: now - 3600 }),
    'without `exp`': () => made({ exp: undefined }),
    'for another API': () => made({ aud: 'api://other' }),
    'without `aud`': () => made({ aud: undefined }),
    'another issuer’s token': async () => bearing(await stranger.issueToken()),
    'an ID token, for the client': async () => bearing(await issuer.issueIdToken()),
    'an ID token (`at_hash`) whose `aud` is the API': async () =>
      bearing(await issuer.issueIdToken({ aud: 'api://default', at_hash: 'A'.repeat(22) })),
    'bound to a key (`cnf.jkt`), sent as a bearer': () => made({ cnf: { jkt: 'A'.repeat(43) } }),
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
