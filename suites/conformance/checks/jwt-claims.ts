/** J2 to J5, J6, J8, J12: token type and claims (RFC 9068 §2, §4; RFC 7519 §4.1). */
import type { Check } from '../check.js'
import { accepts, rejects } from './variants.js'

export const jwtClaims: readonly Check[] = [
  rejects(
    'J2',
    'RFC 9068 §4',
    'MUST',
    'Strict: typ is at+jwt',
    () => ({
      'no typ': { header: { typ: undefined } },
      'typ JWT': { header: { typ: 'JWT' } },
      'typ application/jwt': { header: { typ: 'application/jwt' } },
    }),
    ['jwt', 'strict'],
  ),

  accepts(
    'J2',
    'RFC 9068 §4',
    'MUST',
    'Strict: application/at+jwt is equivalent, in any case',
    () => ({
      'typ application/at+jwt': { header: { typ: 'application/at+jwt' } },
      'typ AT+JWT': { header: { typ: 'AT+JWT' } },
    }),
    ['jwt', 'strict'],
  ),

  rejects('J3', 'RFC 8725 §3.11', 'SHOULD', 'A typ of another token type is rejected', () =>
    Object.fromEntries(
      [
        'dpop+jwt',
        'logout+jwt',
        'secevent+jwt',
        'token-introspection+jwt',
        'oauth-authz-req+jwt',
        'client-authentication+jwt',
      ].map((typ) => [`typ ${typ}`, { header: { typ } }]),
    ),
  ),

  rejects(
    'J4',
    'RFC 9068 §2.2',
    'SHOULD',
    'Strict: every required claim is present',
    () =>
      Object.fromEntries(
        ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'].map((name) => [
          `no ${name}`,
          { claims: { [name]: undefined } },
        ]),
      ),
    ['jwt', 'strict'],
  ),

  rejects(
    'J5',
    'RFC 9068 §4',
    'MUST',
    'iss equals the issuer identifier, character by character',
    (api) => {
      const { issuer } = api.options
      return Object.fromEntries(
        [
          undefined,
          `${issuer}/`,
          `${issuer}.evil.example`,
          issuer.toUpperCase(),
          ` ${issuer}`,
          [issuer],
          '',
        ].map((iss) => [
          `iss ${JSON.stringify(iss)?.replace(issuer, '<issuer>')}`,
          { claims: { iss } },
        ]),
      )
    },
  ),

  rejects('J5', 'RFC 9068 §4', 'MUST', 'aud names this API', (api) => {
    const { audience } = api.options
    return Object.fromEntries(
      ['api://other', ['api://other', 'api://another'], [], '', [[audience]]].map((aud) => [
        `aud ${JSON.stringify(aud)}`,
        { claims: { aud } },
      ]),
    )
  }),

  accepts('J5', 'RFC 7519 §4.1.3', 'MUST', 'aud may also name other APIs', (api) => ({
    'a list of audiences': { claims: { aud: ['api://other', api.options.audience] } },
  })),

  rejects(
    'J5',
    'RFC 9068 §4',
    'MUST',
    'An expired token is rejected, with minutes of leeway at most',
    (api) => ({
      'ten minutes ago': { claims: { iat: api.nowSeconds() - 4200, exp: api.nowSeconds() - 600 } },
      'long ago': { claims: { iat: 1_000_000_000, exp: 1_000_003_600 } },
    }),
  ),

  rejects(
    'J5',
    'RFC 7519 §4.1.5',
    'MUST',
    'A token whose nbf is in the future is rejected',
    (api) => ({
      'in ten minutes': { claims: { nbf: api.nowSeconds() + 600, exp: api.nowSeconds() + 1200 } },
    }),
  ),

  rejects('J6', 'RFC 9068 §4', 'MUST', 'A token without aud is rejected', () => ({
    'no aud': { claims: { aud: undefined } },
    'aud null': { claims: { aud: null } },
  })),

  rejects('J8', 'RFC 8725 §3.12', 'MUST', 'An ID token for the client is rejected', () => ({
    'an ID token': {
      header: { typ: 'JWT' },
      claims: { aud: 'client-1', nonce: 'n-0S6', at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' },
    },
  })),

  rejects(
    'J8',
    'RFC 8725 §3.12',
    'ours',
    'An ID token whose aud names this API is rejected',
    () => ({
      'an ID token with at_hash': { header: { typ: 'JWT' }, claims: { nonce: 'n', at_hash: 'x' } },
      'an ID token with c_hash': { header: { typ: 'JWT' }, claims: { c_hash: 'x' } },
    }),
  ),

  rejects('J12', 'RFC 9068 §2.2', 'MUST', 'A token without exp is rejected', () => ({
    'no exp': { claims: { exp: undefined } },
    'exp null': { claims: { exp: null } },
  })),

  rejects('J12', 'RFC 7519 §2', 'MUST', 'exp and nbf are numbers', (api) => {
    const later = `${api.nowSeconds() + 300}`
    return {
      'exp as text': { claims: { exp: later } },
      'exp as a list': { claims: { exp: [Number(later)] } },
      'exp true': { claims: { exp: true } },
      'nbf as text': { claims: { nbf: '1' } },
    }
  }),

  rejects('J12', 'RFC 7519 §2', 'ours', 'exp and nbf are finite', (api) => ({
    'exp 1e400': {
      claims: JSON.stringify(api.claims({ exp: 0 })).replace('"exp":0', '"exp":1e400'),
    },
  })),

  rejects(
    'J12',
    'RFC 7519 §4.1.6',
    'ours',
    'A token issued far in the future is rejected',
    (api) => ({
      'iat tomorrow': {
        claims: { iat: api.nowSeconds() + 86_400, exp: api.nowSeconds() + 90_000 },
      },
    }),
  ),
]
