/** `explain` checks the roles, groups, permissions and claims that a route requires, as the plugin does. */
import Fastify from 'fastify'
import t from 'tap'
import resourceServer, { type RouteRequirement } from '../../src/index.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { runHere } from './fixtures/run.js'

const audience = 'api://orders'
const server = await createAuthorizationServer({ audience })
t.teardown(() => server.close())
const { issuer } = server

const token = await server.issueToken({
  roles: ['editor', 'Reviewer'],
  groups: ['Staff'],
  permissions: ['orders:read'],
  tenant: 'acme',
  level: 3,
  beta: true,
  teams: ['a', 'b'],
  note: 'x=y',
  realm_access: { roles: ['admin'] },
  'https://acme.example/plan': 'gold',
})

async function explain(...args: readonly string[]) {
  return explainToken(token, args)
}

async function explainToken(input: string, args: readonly string[]) {
  const given = ['explain', '--issuer', issuer, '--audience', audience, ...args, '--json']
  const { code, stdout, stderr } = await runHere(given, { input })
  if (code === 2) return { code, stderr, result: undefined, step: undefined }
  const { result, steps } = JSON.parse(stdout)
  const step = steps.find(({ name }: { name: string }) => name === 'policy')
  return { code, stderr, result, step }
}

/** Returns the status of an API whose route has the requirement. */
async function statusOf(requirement: RouteRequirement) {
  const app = Fastify()
  await app.register(resourceServer, { issuer, audience })
  app.get('/', { config: { auth: requirement } }, async () => 'ok')
  const headers = { authorization: `Bearer ${token}` }
  const { statusCode } = await app.inject({ url: '/', headers })
  await app.close()
  return statusCode
}

t.test('the result is that of config.auth', async (t) => {
  const rows: readonly (readonly [string, Readonly<RouteRequirement>, 200 | 403])[] = [
    ['--role editor', { roles: 'editor' }, 200],
    ['--role editor --role Reviewer', { roles: ['editor', 'Reviewer'] }, 200],
    ['--role editor --role admin', { roles: ['editor', 'admin'] }, 403],
    ['--role reviewer', { roles: 'reviewer' }, 403],
    ['--group Staff', { groups: 'Staff' }, 200],
    ['--group Admins', { groups: 'Admins' }, 403],
    ['--permission orders:read', { permissions: 'orders:read' }, 200],
    ['--permission orders:write', { permissions: 'orders:write' }, 403],
    ['--claim tenant=acme', { claims: { tenant: 'acme' } }, 200],
    ['--claim tenant="acme"', { claims: { tenant: 'acme' } }, 200],
    ['--claim tenant=Acme', { claims: { tenant: 'Acme' } }, 403],
    ['--claim tenant=x --claim tenant=acme', { claims: { tenant: ['x', 'acme'] } }, 200],
    ['--claim tenant=["x","acme"]', { claims: { tenant: ['x', 'acme'] } }, 200],
    ['--claim tenant=["x","y"]', { claims: { tenant: ['x', 'y'] } }, 403],
    ['--claim tenant=acme --claim level=4', { claims: { tenant: 'acme', level: 4 } }, 403],
    ['--claim level=3', { claims: { level: 3 } }, 200],
    ['--claim level="3"', { claims: { level: '3' } }, 403],
    ['--claim beta=true', { claims: { beta: true } }, 200],
    ['--claim beta="true"', { claims: { beta: 'true' } }, 403],
    ['--claim teams=b', { claims: { teams: 'b' } }, 200],
    ['--claim teams=c', { claims: { teams: 'c' } }, 403],
    ['--claim note=x=y', { claims: { note: 'x=y' } }, 200],
    ['--claim realm_access.roles=admin', { claims: { 'realm_access.roles': 'admin' } }, 200],
    ['--claim realm_access=admin', { claims: { realm_access: 'admin' } }, 403],
    [
      '--claim https://acme.example/plan=gold',
      { claims: { 'https://acme.example/plan': 'gold' } },
      200,
    ],
    ['--claim absent=x', { claims: { absent: 'x' } }, 403],
    ['--claim constructor=x', { claims: { constructor: 'x' } }, 403],
    [
      '--role editor --group Staff --claim tenant=acme',
      { roles: 'editor', groups: 'Staff', claims: { tenant: 'acme' } },
      200,
    ],
  ]
  for (const [args, requirement, status] of rows) {
    const { code, result, step } = await explain(...args.split(' '))
    t.equal(await statusOf(requirement), status, args)
    t.equal(result.accepted ? 200 : result.status, status, args)
    t.equal(code, status === 200 ? 0 : 1, args)
    t.match(step, { outcome: status === 200 ? 'passed' : 'failed' }, args)
    if (status === 403) t.match(result, { code: 'insufficient_scope', step: 'policy' }, args)
  }
})

t.test('shows what the route requires, and what the token has instead', async (t) => {
  const found = async (...args: string[]) => (await explain(...args)).step.found
  t.match(await found(), 'no requirement (--role, --group, --permission, --claim)')
  t.equal(
    await found('--role', 'editor', '--claim', 'tenant=acme', '--claim', 'level=3'),
    'the role "editor", the claim "tenant", the claim "level"',
  )
  const rows = [
    ['--role admin', 'The token has the roles "editor" and "Reviewer". Have the issuer give the'],
    ['--role EDITOR', 'Names are compared with case: use the spelling of the issuer.'],
    ['--claim absent=x', 'The token has no claim "absent". Have the issuer put it into access'],
    ['--claim level="3"', '"level" is a number in the token, and the required value is a string.'],
    ['--claim level="3"', 'here and in the API: --claim level=3'],
    [
      '--claim tenant=x --claim tenant=y',
      '"tenant" is "acme" in the token, and must be "x" or "y".',
    ],
    ['--claim teams=c', '"teams" is ["a","b"] in the token, and must contain "c".'],
  ] as const
  for (const [args, expected] of rows) {
    const { step } = await explain(...args.split(' '))
    t.match(step.advice, expected, args)
  }
  const bare = await explainToken(await server.issueToken(), ['--group', 'a', '--group', 'b'])
  t.equal(
    bare.step.advice,
    'The profile standard finds no groups in the token. Have the issuer give the user "a" and "b" and put the groups into access tokens. If another claim has them, require that claim (--claim) or choose another --profile.',
  )
})

t.test('rejects malformed claims before it asks for the token', async (t) => {
  const rows = [
    ['tenant', '--claim must be NAME=VALUE, such as --claim tenant=acme'],
    ['=acme', '--claim must be NAME=VALUE'],
    ['tenant=', '--claim must be NAME=VALUE'],
    ['tenant=["a",b]', 'a value of --claim that begins with ", [ or { must be JSON within single'],
    ['tenant="acme', 'a value of --claim that begins with ", [ or { must be JSON'],
    ['tenant={"a":1}', 'the value of --claim must be a text, a number'],
    ['tenant=null', 'the value of --claim must be a text, a number'],
    ['tenant=[]', 'the value of --claim must be a text, a number'],
    ['tenant=9007199254740993', 'the value of --claim must be a text, a number'],
  ] as const
  for (const [claim, expected] of rows) {
    const { code, stderr } = await explain('--claim', claim)
    t.equal(code, 2, claim)
    t.match(stderr, expected, claim)
  }
  const alone = await runHere(['explain', '--claim', 'a=b'], { input: token })
  t.match(alone, { code: 2, stderr: /--claim needs --issuer and --audience/ })
})
