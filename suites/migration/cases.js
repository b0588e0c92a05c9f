/** Returns functions that create the requests for each program of docs/migration, by title. */
export function requestsFor(issuer, otherIssuer) {
  const now = Math.floor(Date.now() / 1000)
  const requestWith = (token, path = '/me') => ({ path, authorization: `Bearer ${token}` })
  const issued = async (claims, options, path) =>
    requestWith(await issuer.issueToken(claims, options), path)
  return {
    'a valid token': () => issued(),
    'a valid token, signed with ES256': () => issued({}, { algorithm: 'ES256' }),
    'a valid token with the required scope': () => issued({}, { scope: 'orders:read' }, '/orders'),
    'a valid token without the required scope': () => issued({}, { scope: 'profile' }, '/orders'),
    'the open route, no token': () => ({ path: '/health' }),
    'no token': () => ({ path: '/me' }),
    'an unknown route, no token': () => ({ path: '/nowhere' }),
    'another scheme: `Basic`': () => ({ path: '/me', authorization: 'Basic YTpi' }),
    'an opaque token': () => requestWith('opaque'),
    'a changed signature': async () => requestWith(tampered(await issuer.issueToken())),
    'an unknown `kid`': () => issued({}, { header: { kid: 'unknown' } }),
    'a token that expired an hour ago': () => issued({ iat: now - 7200, exp: now - 3600 }),
    'a token without `exp`': () => issued({ exp: undefined }),
    'a token for another API': () => issued({ aud: 'api://other' }),
    'a token without `aud`': () => issued({ aud: undefined }),
    'another issuer’s token': async () => requestWith(await otherIssuer.issueToken()),
    'an ID token for the client': async () => requestWith(await issuer.issueIdToken()),
    'an ID token (`at_hash`) for the API': async () =>
      requestWith(await issuer.issueIdToken({ aud: 'api://default', at_hash: 'A'.repeat(22) })),
    'a sender-constrained token (`cnf.jkt`) without proof': () =>
      issued({ cnf: { jkt: 'A'.repeat(43) } }),
  }
}

function tampered(token) {
  const [header, claims, signature] = token.split('.')
  const middle = signature.length / 2
  const replacement = signature[middle] === 'A' ? 'B' : 'A'
  return [
    header,
    claims,
    signature.slice(0, middle) + replacement + signature.slice(middle + 1),
  ].join('.')
}
