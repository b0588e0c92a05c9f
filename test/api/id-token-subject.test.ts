/**
 * Revocation of users whose ID tokens and logout tokens have another `sub` than their access tokens,
 * as those of Okta.
 */
import Fastify from 'fastify'
import t from 'tap'
import type { Profile, ResourceServerOptions } from '../../src/index.js'
import resourceServer, { memoryStore } from '../../src/index.js'
import { createAuthorizationServer, testUser } from '../../src/testing/index.js'
import { forge, outcome, serverFor } from '../fixtures/forgery.js'
import { makeKey } from '../fixtures/issuer.js'

const key = await makeKey('ES256')
const tokenOf = (claims: Record<string, unknown>) =>
  forge(key, { claims: { cid: 'client', sub: 'ada@example.com', uid: '00u1', ...claims } })

for (const isShared of [false, true]) {
  t.test(`okta: revokes by "sub" and by "uid"${isShared ? ' in a store' : ''}`, async (t) => {
    for (const sub of ['ada@example.com', '00u1']) {
      const stores = isShared ? { stores: { revocations: memoryStore() } } : {}
      const server = await serverFor([key], { profile: 'okta', ...stores })
      t.teardown(() => server.close())
      const token = tokenOf({ jti: sub })
      t.equal((await server.verify(token)).idTokenSubject, '00u1')
      await server.revoke({ sub })
      t.equal(await outcome(server, token), 'revocation', sub)
      t.equal(await outcome(server, tokenOf({ sub: 'bob', uid: '00u2' })), 'accepted')
    }
  })
}

t.test('okta: "uid" is a string or absent', async (t) => {
  const server = await serverFor([key], { profile: 'okta' })
  for (const uid of [1, true, {}, ['00u1']]) {
    t.equal(await outcome(server, tokenOf({ uid })), 'claims', JSON.stringify(uid))
  }
  const { idTokenSubject } = await server.verify(tokenOf({ uid: undefined }))
  t.equal(idTokenSubject, undefined)
})

t.test('a custom profile names the claim', async (t) => {
  const profile = (idTokenSubject: NonNullable<Profile['idTokenSubject']>) =>
    ({ profile: { name: 'acme', idTokenSubject } }) satisfies Partial<ResourceServerOptions>
  const server = await serverFor(
    [key],
    profile(({ oid }) => oid),
  )
  await server.revoke({ sub: 'oid-1' })
  t.equal(await outcome(server, tokenOf({ oid: 'oid-1' })), 'revocation')
  t.equal(await outcome(server, tokenOf({ oid: 'oid-2' })), 'accepted')
  t.equal(await outcome(server, tokenOf({})), 'accepted')
  // A result of another type could not be revoked.
  await t.rejects(server.verify(tokenOf({ oid: 1 })), {
    message: /profile\.idTokenSubject/,
    cause: { message: 'the function must return a string or undefined' },
  })
  t.equal((await (await serverFor([key])).verify(tokenOf({}))).idTokenSubject, undefined)
})

t.test('okta: a logout token ends the access of the user', async (t) => {
  const authorizationServer = await createAuthorizationServer({ profile: 'okta' })
  t.teardown(() => authorizationServer.close())
  const app = Fastify()
  await app.register(resourceServer, {
    issuer: authorizationServer.issuer,
    audience: 'api://default',
    profile: 'okta',
    backchannelLogout: { path: '/logout', clientIds: ['demo-client'], revokes: 'user' },
  })
  app.get('/', async () => ({}))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const token = await authorizationServer.issueToken()
  const status = async () =>
    (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status
  t.equal(await status(), 200)
  authorizationServer.setBackchannelLogoutUri(`${url}/logout`)
  const sent = await authorizationServer.disableUser(testUser.username)
  t.same(
    sent.map(({ status }) => status),
    [200],
  )
  t.equal(await status(), 401)
})
