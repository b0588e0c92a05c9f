/** What the address of an issuer tells: its profile, mistakes in options, and the key set. */
import t from 'tap'
import { PROVIDERS, type ProfileName } from '../../../src/issuer/providers/providers.js'
import { issuersIn } from '../../fixtures/resolved-issuers.js'

const resolve = (issuer: string, audience: string) => issuersIn({ issuer, audience })[0]

t.test('selects the profile by the domain, and accepts the correct identifier', async (t) => {
  for (const [profile, issuer, audience = 'api'] of [
    ['supabase', 'https://abcdefghijklmnopqrst.supabase.co/auth/v1'],
    ['firebase', 'https://securetoken.google.com/acme-prod', 'acme-prod'],
    ['google', 'https://accounts.google.com'],
    ['workos', 'https://api.workos.com/user_management/client_01HBEQKA6K4QJAS93VPE39W1JT'],
    ['workos', 'https://acme.authkit.app'],
    ['kinde', 'https://acme.kinde.com'],
    ['logto', 'https://acme.logto.app/oidc'],
    ['descope', 'https://api.descope.com/P2abcdefghijklmnopqrstuvwxyz'],
    ['descope', 'https://api.euc1.descope.com/v1/apps/Peuc12abcdefghijklmnopqrstuvwxyz'],
    ['descope', 'https://api.descope.com/v1/apps/agentic/P2abcdefghijklmnopqrstuvwxyz/RS3'],
    ['standard', 'https://notsupabase.co/auth/v1'],
    ['standard', 'https://securetoken.google.com.example/acme-prod'],
    ['standard', 'https://x.accounts.google.com'],
    ['standard', 'https://api.workos.com.example/user_management/client_1'],
    ['standard', 'https://notkinde.com'],
    ['standard', 'https://api.descope.com.example/P2abcdefghijklmnopqrstuvwxyz'],
    ['standard', 'https://evil-api.descope.com/P2abcdefghijklmnopqrstuvwxyz'],
  ] as const) {
    t.equal(resolve(issuer, audience)?.profile.name, profile, issuer)
  }
})

t.test('rejects an issuer that no token has, and names the correct one', async (t) => {
  for (const [issuer, message] of [
    [
      'https://abcdefghijklmnopqrst.supabase.co',
      /is not the issuer identifier of a Supabase project\. Use https:\/\/abcdefghijklmnopqrst\.supabase\.co\/auth\/v1$/,
    ],
    ['https://abcdefghijklmnopqrst.supabase.co/auth/v1/', /Supabase/],
    ['https://securetoken.google.com/', /Use https:\/\/securetoken\.google\.com\/<project ID>$/],
    [
      'https://securetoken.google.com/acme-prod/',
      /is not the issuer identifier of a Firebase project\. Use https:\/\/securetoken\.google\.com\/acme-prod$/,
    ],
    [
      'https://session.firebase.google.com/acme-prod',
      /session cookies, whose keys are not published as a JWK Set\. Use https:\/\/securetoken\.google\.com\/acme-prod, and have clients send ID tokens$/,
    ],
    ['https://accounts.google.com/', /Use https:\/\/accounts\.google\.com$/],
    ['https://acme.authkit.app/', /Use https:\/\/acme\.authkit\.app$/],
    ['https://acme.authkit.app/oauth2', /Use https:\/\/acme\.authkit\.app$/],
    ['https://api.workos.com/sso', /Use https:\/\/api\.workos\.com\/user_management\/<client ID>$/],
    ['https://acme.kinde.com/', /Use https:\/\/acme\.kinde\.com$/],
    ['https://acme.logto.app', /Use https:\/\/acme\.logto\.app\/oidc$/],
    ['https://acme.logto.app/oidc/', /Use https:\/\/acme\.logto\.app\/oidc$/],
    ['https://api.descope.com', /Use https:\/\/api\.descope\.com\/<project ID>, or the project ID/],
  ] as const) {
    t.throws(() => resolve(issuer, 'acme-prod'), { name: 'TypeError', message }, issuer)
  }
})

t.test('allows the bare issuer of WorkOS with the URL of the key set', async (t) => {
  const jwksUri = 'https://api.workos.com/sso/jwks/client_1'
  for (const issuer of ['https://api.workos.com', 'https://api.workos.com/']) {
    t.doesNotThrow(() => issuersIn({ issuer, audience: 'api', jwksUri }), issuer)
  }
})

t.test('Firebase: requires the project ID in audience', async (t) => {
  t.throws(() => resolve('https://securetoken.google.com/acme-prod', 'https://orders.example'), {
    message:
      '"audience" option must contain the project ID acme-prod, which is the "aud" of every ID ' +
      'token of Firebase',
  })
})

t.test('Auth0: rejects the userinfo endpoint in audience', async (t) => {
  const issuer = 'https://acme.eu.auth0.com/'
  t.throws(() => resolve(issuer, `${issuer}userinfo`), {
    name: 'TypeError',
    message: '"audience" option must not contain the userinfo endpoint of the Auth0 tenant',
  })
  t.doesNotThrow(() => resolve(issuer, 'https://acme.us.auth0.com/userinfo'))
})

t.test('derives the URL of the key set only from documented identifiers', async (t) => {
  const project = 'project-test-8aed2e54-0266-4793-9b5e-0cc9c56064da'
  const rows: readonly [ProfileName, issuer: string, jwksUri: string | undefined][] = [
    [
      'supabase',
      'https://auth.acme.com/auth/v1',
      'https://auth.acme.com/auth/v1/.well-known/jwks.json',
    ],
    ['supabase', 'https://auth.acme.com', undefined],
    [
      'supabase',
      'http://127.0.0.1:54321/auth/v1',
      'http://127.0.0.1:54321/auth/v1/.well-known/jwks.json',
    ],
    ['workos', 'https://acme.authkit.app', undefined],
    ['workos', 'https://api.workos.com/user_management/client_1/../x', undefined],
    [
      'workos',
      'https://api.workos.com/user_management/client_1',
      'https://api.workos.com/sso/jwks/client_1',
    ],
    ['better-auth', 'https://app.example', 'https://app.example/api/auth/jwks'],
    ['better-auth', 'https://app.example/api/auth', undefined],
    ['better-auth', 'http://localhost:3000', 'http://localhost:3000/api/auth/jwks'],
    [
      'descope',
      'P2abcdefghijklmnopqrstuvwxyz',
      'https://api.descope.com/v2/keys/P2abcdefghijklmnopqrstuvwxyz',
    ],
    [
      'descope',
      'Peuc12abcdefghijklmnopqrstuvwxyz',
      'https://api.euc1.descope.com/v2/keys/Peuc12abcdefghijklmnopqrstuvwxyz',
    ],
    [
      'descope',
      'https://api.descope.com/v1/apps/P2abcdefghijklmnopqrstuvwxyz',
      'https://api.descope.com/v2/keys/P2abcdefghijklmnopqrstuvwxyz',
    ],
    [
      'descope',
      'https://api.descope.com/v1/apps/agentic/P2abcdefghijklmnopqrstuvwxyz/R',
      undefined,
    ],
    ['descope', 'https://auth.acme.com/P2abcdefghijklmnopqrstuvwxyz', undefined],
    ['descope', 'https://api.descope.com', undefined],
    ['stytch', `stytch.com/${project}`, `https://test.stytch.com/v1/sessions/jwks/${project}`],
    [
      'stytch',
      `stytch.com/${project.replace('test', 'live')}`,
      `https://api.stytch.com/v1/sessions/jwks/${project.replace('test', 'live')}`,
    ],
    ['stytch', `stytch.com/${project}/../x`, undefined],
    ['stytch', 'https://acme.customers.stytch.com', undefined],
    ['supertokens', 'https://api.acme.com/auth', 'https://api.acme.com/auth/jwt/jwks.json'],
    ['supertokens', 'http://localhost:3001/auth', 'http://localhost:3001/auth/jwt/jwks.json'],
    ['supertokens', 'http://user@localhost:3001/auth', undefined],
    ['supertokens', 'ftp://localhost:3001/auth', undefined],
  ]
  for (const [name, issuer, jwksUri] of rows) {
    t.equal(PROVIDERS[name].jwksUri?.(issuer), jwksUri, `${name} ${issuer}`)
  }
})
