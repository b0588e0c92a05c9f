/** Introspection at oidc-provider, a certified OpenID provider, over real HTTP. */
import t, { type Test } from 'tap'
import { IntrospectionUnavailableError } from '../../../src/errors/errors.js'
import { unwrap } from '../../../src/errors/result.js'
import { createIntrospector } from '../../../src/introspection/create-introspector.js'
import type { IntrospectionFailure } from '../../../src/introspection/introspection-failure.js'
import {
  type IntrospectionOptions,
  resolveIntrospection,
} from '../../../src/introspection/options.js'
import { discoveredJwks } from '../../../src/keys/jwks-discovery.js'
import { Counters } from '../../../src/observability/statistics.js'
import { passwordGrant } from '../../../src/testing/index.js'
import { parseCompactJws, withClaims } from '../../../src/token/compact-jws.js'
import { findSigningKey } from '../../../src/token/find-signing-key.js'
import { KnownHeaders } from '../../../src/token/known-headers.js'
import { DEFAULTS } from '../../fixtures/fake-issuer.js'
import { API_CLIENT, CLIENT, RESOURCE, startOidcProvider, USER } from './fixtures/oidc-provider.js'

async function start(t: Test, options: Partial<IntrospectionOptions> = {}) {
  const { issuer } = await startOidcProvider(t, { algorithm: 'ES256', accessTokenFormat: 'opaque' })
  const { access_token: token } = await passwordGrant({
    issuer,
    ...CLIENT,
    ...USER,
    scope: 'orders:read',
  })
  const keys = discoveredJwks({
    ...DEFAULTS,
    issuer,
    jwksUri: undefined,
    allowHttp: false,
    maxBytes: 65_536,
    fetch,
    now: Date.now,
    onFetched() {},
    onSkipped() {},
    onFailure() {},
  })
  t.teardown(() => keys.close())
  const failures: IntrospectionFailure[] = []
  const introspector = await createIntrospector({
    ...resolveIntrospection({ ...API_CLIENT, cacheMaxAge: 0, ...options }, false),
    issuer,
    allowHttp: false,
    audience: [RESOURCE],
    verifySignature: async (jwt) => {
      const jws = unwrap(parseCompactJws(jwt, 65_536, new KnownHeaders()))
      unwrap(
        await findSigningKey({
          jws,
          algorithm: 'ES256',
          source: keys,
          counters: new Counters(),
        }),
      )
      return unwrap(withClaims(jws))
    },
    now: Date.now,
    monotonicNow: Date.now,
    onRecovery() {},
    onFailure: (failure) => failures.push(failure),
    onOnlyInactive() {},
  })
  t.teardown(() => introspector.close())
  const revoke = () =>
    fetch(`${issuer}/token/revocation`, {
      method: 'POST',
      body: new URLSearchParams({ token }),
      headers: {
        authorization: `Basic ${Buffer.from(`${CLIENT.clientId}:${CLIENT.clientSecret}`).toString('base64')}`,
      },
    })
  return { introspector, token, revoke, failures }
}

for (const signed of [false, true]) {
  t.test(`${signed ? 'I5: a signed' : 'I2: a plain'} response`, async (t) => {
    const { introspector, token, revoke, failures } = await start(t, {
      requireSignedResponse: signed,
    })
    t.match(await introspector.introspect(token), {
      active: true,
      sub: USER.username,
      client_id: CLIENT.clientId,
      aud: RESOURCE,
      scope: 'orders:read',
      exp: Number,
    })
    t.equal(await introspector.introspect('another-token'), undefined)
    t.equal((await revoke()).status, 200)
    t.equal(await introspector.introspect(token), undefined, 'revoked')
    t.strictSame(failures, [])
  })
}

t.test('I3: responds with 503 and logs an error if the secret is wrong', async (t) => {
  const { introspector, token, failures } = await start(t, { clientSecret: 'another secret' })
  await t.rejects(async () => introspector.introspect(token), IntrospectionUnavailableError)
  t.match(failures, [{ level: 'error', message: /rejects our credentials/ }])
})

t.test('a token that the provider rejects as malformed causes no pause', async (t) => {
  const { introspector, token } = await start(t)
  const jwt = 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln'
  await t.rejects(async () => introspector.introspect(jwt), IntrospectionUnavailableError)
  t.ok(await introspector.introspect(token))
})
