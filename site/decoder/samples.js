/** Tokens to try. Their signature is random: a decoder does not verify it. */

const SECOND = 1_000
const SIGNATURE = 'c2lnbmF0dXJl'

/** Each sample has a name, and a function that returns its text for the current time. */
export const SAMPLES = [
  ['a valid shape', (now) => token({}, claimsAt(now))],
  ['an expired token', (now) => token({}, { ...claimsAt(now), exp: seconds(now) - 5_400 })],
  [
    'an ID token',
    (now) =>
      token({ typ: 'JWT' }, { ...claimsAt(now), aud: 'web-app', nonce: 'n-0S6', at_hash: 'x' }),
  ],
  [
    'a JSON response',
    (now) => JSON.stringify({ access_token: token({}, claimsAt(now)), token_type: 'Bearer' }),
  ],
  ['an opaque token', () => 'ya29.a0AfH6SMBx'.replace('.', '-')],
]

const seconds = (now) => Math.floor(now / SECOND)

function claimsAt(now) {
  return {
    iss: 'https://example.okta.com/oauth2/default',
    aud: 'api://default',
    sub: 'ada@example.com',
    scp: ['openid', 'orders:read'],
    iat: seconds(now) - 60,
    exp: seconds(now) + 3_540,
  }
}

function token(header, claims) {
  return [{ alg: 'RS256', typ: 'at+jwt', kid: '2026-11', ...header }, claims]
    .map((part) =>
      btoa(JSON.stringify(part)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
    )
    .concat(SIGNATURE)
    .join('.')
}
