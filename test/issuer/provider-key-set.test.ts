/** The URL of a key set that a provider derives from the issuer identifier. */
import t, { type Test } from 'tap'
import type { ResourceServerOptions } from '../../src/index.js'
import type { Provider } from '../../src/issuer/providers/provider.js'
import { PROVIDERS } from '../../src/issuer/providers/providers.js'
import { forge, outcome, serverFor } from '../fixtures/forgery.js'
import { makeKey } from '../fixtures/issuer.js'
import { issuersIn } from '../fixtures/resolved-issuers.js'

const key = await makeKey('ES256')
const KEYS = 'https://keys.example/project-1'

/** Lets a provider derive the URL of the key set, for the duration of the test. */
function derive(t: Test, provider: Provider, jwksUri: Provider['jwksUri']): void {
  Object.assign(provider, { jwksUri })
  t.teardown(() => Reflect.deleteProperty(provider, 'jwksUri'))
}

function sourceOf(options: object): unknown {
  const given = { audience: 'a', ...options } as ResourceServerOptions
  const { keys } = issuersIn(given)[0] ?? {}
  return keys?.from === 'remote' ? keys.jwksUri : keys?.from
}

const ofProject = (issuer: string) =>
  issuer.startsWith('project-') ? `https://keys.example/${issuer}` : undefined

t.test('fetches the keys of a provider without metadata from the derived URL', async (t) => {
  derive(t, PROVIDERS.keycloak, ofProject)
  const requests: string[] = []
  const server = await serverFor([], {
    issuer: 'project-1',
    profile: 'keycloak',
    jwks: {
      fetch: async (url) => {
        requests.push(url)
        return Response.json({ keys: [key.publicJwk] })
      },
    },
  })
  t.teardown(() => server.close())
  const token = forge(key, { claims: { iss: 'project-1', typ: 'Bearer' } })
  t.equal(await outcome(server, token), 'accepted')
  t.same(requests, [KEYS])
})

t.test('derives the URL for the named, the extended and the detected provider', async (t) => {
  derive(t, PROVIDERS.keycloak, ofProject)
  derive(t, PROVIDERS.okta, () => 'https://acme.okta.com/keys')
  t.equal(sourceOf({ issuer: 'project-1', profile: 'keycloak' }), KEYS)
  t.equal(sourceOf({ issuer: 'project-1', profile: { name: 'a', extends: 'keycloak' } }), KEYS)
  const issuer = 'https://acme.okta.com/oauth2/default'
  t.equal(sourceOf({ issuer }), 'https://acme.okta.com/keys')
  t.equal(sourceOf({ issuer, profile: 'standard' }), 'https://acme.okta.com/keys')
  t.equal(sourceOf({ issuer, profile: 'keycloak' }), 'https://acme.okta.com/keys', 'by the domain')
})

t.test('options for keys take precedence over the derived URL', async (t) => {
  derive(t, PROVIDERS.keycloak, ofProject)
  const given = { issuer: 'project-1', profile: 'keycloak' }
  t.equal(sourceOf({ ...given, jwksUri: 'https://own.example/' }), 'https://own.example/')
  t.equal(sourceOf({ ...given, jwks: { keys: [key.publicJwk] } }), 'static')
  const secret = 's'.repeat(32)
  t.equal(sourceOf({ ...given, secret, algorithms: ['HS256'] }), 'secret')
})

t.test('an identifier of another form is discovered, so it must be a URL', async (t) => {
  derive(t, PROVIDERS.keycloak, ofProject)
  t.equal(sourceOf({ issuer: 'https://sso.example/realms/a', profile: 'keycloak' }), undefined)
  for (const issuer of ['other-1', 1, null]) {
    t.throws(() => sourceOf({ issuer, profile: 'keycloak' }), {
      message: /^"issuer" option must be a URL, .* because metadata is fetched from it/,
    })
  }
})

t.test('rejects an identifier that leads to another URL than the provider intends', async (t) => {
  derive(t, PROVIDERS.keycloak, (issuer) => `https://keys.example/${issuer}/jwks`)
  for (const issuer of ['a?b', 'a#b', '..', 'a/../../b', '%2e%2e', 'a/%2E%2E/b', 'é', 'a\n']) {
    t.throws(() => sourceOf({ issuer, profile: 'keycloak' }), {
      message: /^"issuer" option must be an issuer identifier of the provider/,
    })
  }
  derive(t, PROVIDERS.okta, (issuer) => `http://${issuer}/`)
  for (const issuer of ['keys.example', 'user@host']) {
    t.throws(() => sourceOf({ issuer, profile: 'okta' }), { name: 'TypeError' })
  }
})

t.test('derives a plain http URL on loopback, and elsewhere only if http is allowed', async (t) => {
  const profile = 'supertokens'
  const sourceOfHost = (host: string, options: object = {}) =>
    sourceOf({ issuer: `http://${host}:3001/auth`, profile, ...options })
  for (const host of ['localhost', '127.0.0.1', 'auth.localhost']) {
    t.equal(sourceOfHost(host), `http://${host}:3001/auth/jwt/jwks.json`)
  }
  for (const host of ['auth', 'localhost.example', '127.0.0.1.example', '0.0.0.0']) {
    t.throws(() => sourceOfHost(host), {
      message: /^"issuer" option must be an https URL \(http on loopback only\)/,
    })
    const allowed = sourceOfHost(host, { dangerouslyAllowHttp: true })
    t.equal(allowed, `http://${host}:3001/auth/jwt/jwks.json`)
  }
})
