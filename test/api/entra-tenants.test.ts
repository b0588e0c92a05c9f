/** Template issuer of all Entra ID tenants, at an authorization server on loopback. */
import t, { type Test } from 'tap'
import { type Check, createResourceServer, type ResourceServerOptions } from '../../src/index.js'
import { makeKey, seconds, sign, type TestKey } from '../fixtures/issuer.js'
import { json, startKeyServer } from '../fixtures/key-server.js'

const ONE = '3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4b'
const TWO = '7e6d5c4b-3a29-4817-b605-f4e3d2c1b0a9'
const API = 'c1d2e3f4-0516-4273-8495-a6b7c8d9e0f1'
const METADATA = '/common/v2.0/.well-known/openid-configuration'

const everybodys = await makeKey('RS256', 'everybodys')
const ofOne = await makeKey('RS256', 'of-one')
const unnamed = await makeKey('RS256', 'unnamed')

const rejectedBy = (check: Check) => ({ name: 'InvalidTokenError', check })

async function entra(t: Test, options: Partial<ResourceServerOptions> = {}) {
  const host = await startKeyServer()
  t.teardown(() => host.close())
  const template = `${host.origin}/{tenantid}/v2.0`
  const issuerOf = (tenant: string) => `${host.origin}/${tenant}/v2.0`
  host.respond(METADATA, json({ issuer: template, jwks_uri: host.jwksUri }))
  const keys = [
    { ...everybodys.publicJwk, issuer: template },
    { ...ofOne.publicJwk, issuer: issuerOf(ONE) },
    unnamed.publicJwk,
  ]
  host.respond('/keys', json({ keys }))
  const server = await createResourceServer({
    issuer: template,
    audience: API,
    profile: 'entra',
    ...options,
  })
  t.teardown(() => server.close())
  const tokenOf = (key: TestKey, tenant: string, claims: Record<string, unknown> = {}) =>
    sign(
      key,
      { iss: issuerOf(tenant), tid: tenant, aud: API, azp: 'app', scp: 'orders.read', ...claims },
      { header: { typ: 'JWT' } },
    )
  return { host, server, template, issuerOf, tokenOf }
}

t.test('accepts tokens of every tenant with one fetch of metadata and keys', async (t) => {
  const { host, server, issuerOf, tokenOf } = await entra(t)
  for (const [key, tenant] of [
    [everybodys, ONE],
    [everybodys, TWO],
    [ofOne, ONE],
    [unnamed, TWO],
  ] as const) {
    const token = await server.verify(await tokenOf(key, tenant))
    t.equal(token.issuer, issuerOf(tenant), 'its issuer is that of its tenant')
    t.equal(token.claims.tid, tenant)
  }
  t.same(host.requests, [METADATA, '/keys'])
})

t.test('J6: accepts the key of a tenant for that tenant only', async (t) => {
  const { server, tokenOf } = await entra(t)
  const forged = await tokenOf(ofOne, TWO)
  for (let i = 0; i < 3; i++) await t.rejects(server.verify(forged), rejectedBy('key'))
  t.match(await server.verify(await tokenOf(ofOne, ONE)), {})
  await t.rejects(server.verify(forged), rejectedBy('key'))
})

t.test('J5: requires tid to match iss', async (t) => {
  const { host, server, template, issuerOf, tokenOf } = await entra(t)
  for (const [title, tenant, claims] of [
    ['another tid', ONE, { tid: TWO }],
    ['no tid', ONE, { tid: undefined }],
    ['tid in capitals', ONE.toUpperCase(), {}],
    ['no GUID', 'acme', {}],
    ['common', 'common', {}],
    ['a path', '../common', {}],
    ['a pattern', ONE, { tid: '$&' }],
    ['an array', ONE, { tid: [ONE] }],
    ['the template', '{tenantid}', {}],
    ['the template, with a tenant', '{tenantid}', { tid: ONE }],
    ['another host', ONE, { iss: `https://evil.example/${ONE}/v2.0` }],
    ['a slash more', ONE, { iss: `${issuerOf(ONE)}/` }],
  ] as const) {
    const token = await tokenOf(everybodys, tenant, claims)
    await t.rejects(server.verify(token), rejectedBy('issuer'), title)
  }
  t.same(host.requests, [], 'and no keys are fetched')
  t.ok(template.endsWith('/{tenantid}/v2.0'))
})

t.test('rejects metadata of a single tenant', async (t) => {
  const { host, server, issuerOf, tokenOf } = await entra(t)
  host.respond(METADATA, json({ issuer: issuerOf(ONE), jwks_uri: host.jwksUri }))
  await t.rejects(server.verify(await tokenOf(everybodys, ONE)), { name: 'KeysUnavailableError' })
})

t.test('a tenant may have its own options in addition to the template', async (t) => {
  const { template, issuerOf, tokenOf, host } = await entra(t)
  const server = await createResourceServer({
    profile: 'entra',
    issuer: [
      { issuer: template, audience: API },
      { issuer: issuerOf(ONE), audience: 'api://of-one', jwksUri: host.jwksUri },
    ],
  })
  t.teardown(() => server.close())
  await t.rejects(server.verify(await tokenOf(everybodys, ONE)), rejectedBy('audience'))
  t.match(await server.verify(await tokenOf(everybodys, ONE, { aud: 'api://of-one' })), {})
  t.match(await server.verify(await tokenOf(everybodys, TWO)), {})
})

t.test('B7: revocations apply to one tenant', async (t) => {
  const { server, template, issuerOf, tokenOf } = await entra(t)
  server.revoke({ sub: 'user-1', issuer: issuerOf(ONE) })
  await t.rejects(server.verify(await tokenOf(everybodys, ONE)), rejectedBy('revocation'))
  t.match(await server.verify(await tokenOf(everybodys, TWO)), {})
  for (const issuer of [template, issuerOf('common'), issuerOf(ONE.toUpperCase())]) {
    t.throws(() => server.revoke({ sub: 'user-1', issuer }), TypeError)
  }
})

t.test('a custom profile keeps the checks of Entra', async (t) => {
  const issuer = 'https://login.microsoftonline.com/{tenantid}/v2.0'
  // An extension of Entra, not in RFC 7517.
  const keys: object[] = [{ ...ofOne.publicJwk, issuer: issuer.replace('{tenantid}', ONE) }]
  const start = (options: object) =>
    createResourceServer({
      issuer,
      audience: API,
      jwks: { keys },
      ...options,
    } as ResourceServerOptions)
  const server = await start({ profile: { name: 'acme', extends: 'entra' } })
  const tokenOf = (tid: string) =>
    sign(
      ofOne,
      { iss: issuer.replace('{tenantid}', tid), tid, aud: API, azp: 'app', scp: 'a' },
      { header: { typ: 'JWT' } },
    )
  t.match(await server.verify(await tokenOf(ONE)), {})
  await t.rejects(server.verify(await tokenOf(TWO)), rejectedBy('key'))

  for (const [options, message] of [
    [{ profile: 'standard' }, /"profile" option must be entra, or a profile that extends it/],
    [{ profile: { name: 'acme' } }, /"profile" option must be entra, or a profile that extends it/],
    [
      { introspection: { clientId: 'a', clientSecret: 'b' } },
      /"introspection" option is not available for the tenants of Entra ID/,
    ],
    [{ issuer: 'https://login.microsoftonline.com/{tenantid}' }, /allowed only for Entra ID/],
    [{ issuer: 'https://a.example/{tenantid}/v2.0' }, /allowed only for Entra ID/],
  ] as const) {
    await t.rejects(start(options), { name: 'TypeError', message })
  }
})

t.test('checks the times of a token', async (t) => {
  const { server, tokenOf } = await entra(t)
  const expired = await tokenOf(everybodys, ONE, { exp: seconds() - 60 })
  await t.rejects(server.verify(expired), rejectedBy('expiry'))
})
