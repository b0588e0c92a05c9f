import t from 'tap'
import { memberNames, memberOfEach } from '../../../src/issuer/providers/claim-values.js'

t.test('memberNames returns the names of members that are true or an object', async (t) => {
  const roles = { admin: { 'org-1': 'acme.example' }, editor: true, viewer: [] }
  t.strictSame(memberNames(roles), ['admin', 'editor', 'viewer'])
  for (const no of [false, null, 0, 1, '', 'yes', undefined]) {
    t.strictSame(memberNames({ admin: no }), [], `${JSON.stringify(no)}`)
  }
  for (const odd of [undefined, null, true, 1, 'admin', ['admin'], [{ admin: true }]]) {
    t.strictSame(memberNames(odd), [], `${JSON.stringify(odd)}`)
  }
  t.strictSame(memberNames(Object.create({ admin: true })), [], 'an inherited member')
})

t.test('memberOfEach returns a member of the objects in an array', async (t) => {
  const roles = [{ id: '1', key: 'admin' }, { key: 1 }, null, 'key', ['key'], {}, { key: 'editor' }]
  t.strictSame(memberOfEach(roles, 'key'), ['admin', 'editor'])
  t.strictSame(memberOfEach(roles, 'toString'), [])
  for (const odd of [undefined, null, true, 'admin', { key: 'admin' }, { 0: { key: 'admin' } }]) {
    t.strictSame(memberOfEach(odd, 'key'), [], `${JSON.stringify(odd)}`)
  }
})
