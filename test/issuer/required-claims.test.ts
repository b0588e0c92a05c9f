/** The option `requiredClaims`. */
import t from 'tap'
import { createResourceServer } from '../../src/index.js'
import {
  CLIENT,
  AUDIENCE as OPAQUE_AUDIENCE,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'
import { AUDIENCE, ISSUER } from '../fixtures/issuer.js'
import { bearer, key, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const OPTIONS = { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [key.publicJwk] } }

t.test('rejects a JWT that lacks a required claim', async (t) => {
  const server = await createResourceServer({ ...OPTIONS, requiredClaims: ['sub', 'tenant'] })
  t.teardown(() => server.close())
  t.match(await server.verify(await tokenOf({ tenant: 'acme' })), { claims: { tenant: 'acme' } })
  t.ok(await server.verify(await tokenOf({ tenant: null })), 'checks no value')
  for (const lacking of [{}, { tenant: 'acme', sub: undefined }, { Tenant: 'acme' }]) {
    await t.rejects(server.verify(await tokenOf(lacking)), {
      code: 'invalid_token',
      check: 'claims',
    })
  }
})

t.test('adds the claims to those of the profile, for each issuer', async (t) => {
  const server = await createResourceServer({
    ...OPTIONS,
    issuer: [{ issuer: ISSUER, profile: 'duende', requiredClaims: ['tenant'] }],
  })
  t.teardown(() => server.close())
  t.ok(await server.verify(await tokenOf({ tenant: 'acme', client_id: 'a' })))
  await t.rejects(server.verify(await tokenOf({ tenant: 'acme', client_id: undefined })), {
    code: 'invalid_token',
    check: 'claims',
  })
  await t.rejects(server.verify(await tokenOf({ client_id: 'a' })), {
    code: 'invalid_token',
    check: 'claims',
  })
})

t.test('rejects an opaque token whose introspection response lacks a required claim', async (t) => {
  const { issuer, endpoint, state } = await startIntrospectionServer(t)
  const server = await createResourceServer({
    issuer,
    audience: OPAQUE_AUDIENCE,
    profile: 'duende',
    requiredClaims: ['tenant'],
    introspection: { ...CLIENT, endpoint },
  })
  t.teardown(() => server.close())
  const response = { active: true, aud: OPAQUE_AUDIENCE, exp: Math.floor(Date.now() / 1000) + 60 }
  state.tokens.set('with', { ...response, tenant: 'acme' })
  state.tokens.set('without', response)
  t.match(await server.verify('with'), { claims: { tenant: 'acme' } })
  await t.rejects(server.verify('without'), { code: 'invalid_token', check: 'claims' })
})

t.test('rejects an invalid list', async (t) => {
  for (const value of ['sub', [1], [''], {}, new Set(['sub']), new Array(1)]) {
    await t.rejects(createResourceServer({ ...OPTIONS, requiredClaims: value as never }), {
      name: 'TypeError',
      message: '"requiredClaims" option must be an array of claim names',
    })
  }
  const names = ['tenant']
  const app = await protectedApi(t, { requiredClaims: names })
  names.length = 0
  app.get('/', async () => 'in')
  const response = await app.inject({ url: '/', headers: bearer(await tokenOf()) })
  t.equal(response.statusCode, 401, 'a later change has no effect')
})
