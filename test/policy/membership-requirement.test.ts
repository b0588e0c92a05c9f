/** Requirements on roles, groups and permissions. */
import t from 'tap'
import type { MembershipRequirement } from '../../src/policy/membership-requirement.js'
import { bearer, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const memberships = {
  roles: ['editor', 'Editor in chief'],
  groups: ['Berlin'],
  permissions: ['orders:read', 'orders:write'],
}

t.test('requires all of the names, or any of them', async (t) => {
  const cases: [MembershipRequirement, accepted: boolean][] = [
    [{ roles: 'editor' }, true],
    [{ roles: ['editor', 'Editor in chief'] }, true],
    [{ roles: ['editor', 'admin'] }, false],
    [{ roles: 'Editor' }, false],
    [{ roles: 'editor Editor in chief' }, false],
    [{ anyRole: ['admin', 'editor'] }, true],
    [{ anyRole: ['admin', 'owner'] }, false],
    [{ groups: 'Berlin' }, true],
    [{ groups: 'editor' }, false],
    [{ anyGroup: ['Rome', 'Berlin'] }, true],
    [{ anyGroup: ['Rome'] }, false],
    [{ permissions: ['orders:read', 'orders:write'] }, true],
    [{ permissions: ['orders:read', 'orders:delete'] }, false],
    [{ anyPermission: ['orders:delete', 'orders:read'] }, true],
    [{ anyPermission: ['orders:delete'] }, false],
    [{ roles: 'editor', groups: 'Berlin', anyPermission: ['orders:read'] }, true],
    [{ roles: 'editor', groups: 'Rome', anyPermission: ['orders:read'] }, false],
    [{ roles: 'constructor' }, false],
  ]
  const app = await protectedApi(t)
  for (const [index, [auth]] of cases.entries()) {
    app.get(`/${index}`, { config: { auth } }, async () => 'in')
  }
  const token = await tokenOf(memberships)
  const without = await tokenOf()
  for (const [index, [auth, accepted]] of cases.entries()) {
    const { statusCode } = await app.inject({ url: `/${index}`, headers: bearer(token) })
    t.equal(statusCode, accepted ? 200 : 403, JSON.stringify(auth))
    const other = await app.inject({ url: `/${index}`, headers: bearer(without) })
    t.equal(other.statusCode, 403, 'a token without memberships')
  }
})

t.test(
  'tells the client nothing about the names, and the operator what was expected',
  async (t) => {
    const expected: unknown[] = []
    const app = await protectedApi(t, { onReject: ({ reason }) => void expected.push(reason) })
    app.get('/one', { config: { auth: { roles: 'admin' } } }, async () => 'in')
    app.get('/all', { config: { auth: { groups: ['a', 'b'] } } }, async () => 'in')
    app.get('/any', { config: { auth: { anyPermission: ['a', 'b'] } } }, async () => 'in')
    const headers = bearer(await tokenOf(memberships))
    for (const url of ['/one', '/all', '/any']) {
      const response = await app.inject({ url, headers })
      t.equal(response.statusCode, 403)
      t.match(response.headers['www-authenticate'], /error="insufficient_scope"/)
      t.notMatch(`${response.headers['www-authenticate']}${response.body}`, /admin|"a"/)
    }
    t.match(expected, [
      { check: 'policy', expected: 'the role "admin"' },
      { check: 'policy', expected: 'all of the groups "a", "b"' },
      { check: 'policy', expected: 'one of the permissions "a", "b"' },
    ])
  },
)

t.test('keeps the names that a route was declared with', async (t) => {
  const roles = ['admin']
  const app = await protectedApi(t)
  app.get('/admin', { config: { auth: { roles } } }, async () => 'in')
  roles[0] = 'editor'
  const response = await app.inject({
    url: '/admin',
    headers: bearer(await tokenOf(memberships)),
  })
  t.equal(response.statusCode, 403)
})
