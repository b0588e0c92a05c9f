/** Actors of a token (RFC 8693 §4.1), and the requirement on them. */
import t from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import { createResourceServer, type ResourceServerOptions } from '../../src/index.js'
import { PROVIDERS } from '../../src/issuer/providers/providers.js'
import type { ActorRequirement } from '../../src/policy/actor-requirement.js'
import { compilePolicy } from '../../src/policy/requirement.js'
import { ISSUER } from '../fixtures/issuer.js'
import { bearer, given, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const clock = { now: () => 0, clockTolerance: 0 }

function tokenWith(act?: unknown): AccessToken {
  const claims = { iss: ISSUER, aud: 'api', exp: 1, sub: 'ada', ...(act !== undefined && { act }) }
  return new AccessToken({
    raw: 'a.b.c',
    claims,
    reader: PROVIDERS.standard.profile(new Set()),
  })
}

/** Whether the requirement accepts a token with this `act`. */
function accepts(actor: ActorRequirement, act?: unknown): boolean {
  return compilePolicy({ actor }, clock, undefined).check(tokenWith(act), undefined) === undefined
}

t.test('A1: the outermost actor is the current one', async (t) => {
  const earlier = { sub: 'https://service77.example.com' }
  const token = tokenWith({
    sub: 'https://service16.example.com',
    iss: 'https://a.example',
    act: earlier,
  })
  t.same(token.actor, {
    subject: 'https://service16.example.com',
    issuer: 'https://a.example',
    clientId: undefined,
  })
  t.same(
    token.actorChain.map(({ subject }) => subject),
    ['https://service16.example.com', 'https://service77.example.com'],
  )
  t.equal(token.actorChain, token.actorChain, 'computed once')
  t.ok(Object.isFrozen(token.actorChain) && Object.isFrozen(token.actor))
  t.equal(tokenWith().actor, undefined)
  t.same(tokenWith().actorChain, [])
})

t.test('A1: reads the actors that issuers name', async (t) => {
  const impersonated = tokenWith({ sub: 'admin@example.com' })
  t.equal(impersonated.actor?.subject, 'admin@example.com', 'WorkOS')
  const clerk = { iss: 'https://dashboard.clerk.com', sub: 'user_1', sid: 'sess_1' }
  t.match(tokenWith(clerk).actor, { issuer: clerk.iss, subject: 'user_1' }, 'Clerk')
  const zitadel = { iss: ISSUER, sub: '259242039378444290', act: { iss: ISSUER, sub: '17' } }
  t.match(
    tokenWith(zitadel).actorChain.map(({ subject }) => subject),
    ['259242039378444290', '17'],
    'ZITADEL',
  )
})

t.test("A1: 'none' rejects every actor", async (t) => {
  t.ok(accepts('none'))
  t.notOk(accepts('none', { sub: 'admin@example.com' }), 'impersonation (WorkOS, Clerk)')
  t.match(
    compilePolicy({ actor: 'none' }, clock, undefined).check(tokenWith({ sub: 'x' }), undefined),
    {
      code: 'insufficient_scope',
      scope: '',
      check: 'policy',
      expected: 'an accepted actor',
    },
  )
})

t.test('A1: an array accepts the subject itself and the actors in it', async (t) => {
  const rules = [{ subject: 'svc' }, { clientId: 'app', subject: 'agent' }]
  t.ok(accepts(rules))
  t.ok(accepts(rules, { sub: 'svc' }))
  t.ok(accepts(rules, { sub: 'svc', iss: ISSUER, client_id: 'any' }))
  t.ok(accepts(rules, { sub: 'agent', client_id: 'app', act: { sub: 'other-agent' } }))
  t.notOk(accepts(rules, { sub: 'agent' }), 'every given member must be equal')
  t.notOk(accepts(rules, { client_id: 'app' }))
  t.notOk(accepts(rules, { sub: 'other', act: { sub: 'svc' } }), 'earlier actors do not count')
  t.notOk(accepts(rules, { sub: 'SVC' }))
  t.ok(accepts([{ clientId: 'app' }], { sub: 'any', client_id: 'app' }))
  t.notOk(accepts([{ clientId: 'app' }], { sub: 'app', client_id: 'other' }))
})

t.test('A1: the same subject of another issuer is another actor', async (t) => {
  t.notOk(accepts([{ subject: 'svc' }], { sub: 'svc', iss: 'https://other.example' }))
  const other = [{ subject: 'svc', issuer: 'https://other.example' }]
  t.ok(accepts(other, { sub: 'svc', iss: 'https://other.example' }))
  t.notOk(accepts(other, { sub: 'svc' }), 'an actor without issuer is of the issuer of the token')
  t.ok(accepts([{ subject: 'svc', issuer: ISSUER }], { sub: 'svc' }))
})

const INVALID =
  /^(?:an actor must be a plain object|Unknown option ".*" of an actor.*|"actor" must be 'none' or a non-empty array of actors, each with a "subject" or a "clientId", such as \[\{ subject: 'service-1' \}\])$/

t.test('an invalid requirement is an error', async (t) => {
  const wrong: unknown[] = [
    'any',
    '',
    true,
    [],
    ['svc'],
    [{}],
    [{ issuer: ISSUER }],
    [{ subject: '' }],
    [{ subject: 7 }],
    [{ subject: 'a', clientId: 7 }],
    [{ subject: 'a', issuer: '' }],
    [{ subject: undefined }],
    [{ sub: 'svc' }],
    [{ subject: 'a', scope: 'b' }],
    null,
    {},
  ]
  for (const actor of wrong) {
    t.throws(
      () => compilePolicy({ actor } as never, clock, undefined),
      { name: 'TypeError', message: INVALID },
      JSON.stringify(actor),
    )
  }
  const rule = { subject: 'svc' }
  const policy = compilePolicy({ actor: [rule] }, clock, undefined)
  rule.subject = 'evil'
  t.ok(policy.check(tokenWith({ sub: 'evil' }), undefined), 'read once')
})

t.test('A1: rejects a token whose "act" does not identify the actor', async (t) => {
  const server = await createResourceServer(given() as ResourceServerOptions)
  t.teardown(() => server.close())
  const valid: unknown[] = [{ sub: 'a' }, { client_id: 'a' }, { sub: 'a', act: { sub: 'b' } }]
  for (const act of valid) await t.resolves(server.verify(await tokenOf({ act })))
  const wrong: unknown[] = [
    null,
    'svc',
    '',
    7,
    true,
    [],
    [{ sub: 'a' }],
    {},
    { iss: ISSUER },
    { sub: 7 },
    { sub: null },
    { sub: 'a', iss: {} },
    { sub: 'a', client_id: ['b'] },
    { sub: 'a', act: 'b' },
    { sub: 'a', act: { sub: 'b', act: {} } },
  ]
  for (const act of wrong) {
    await t.rejects(server.verify(await tokenOf({ act })), {
      code: 'invalid_token',
      check: 'claims',
      expected: '"act": objects with "sub" or "client_id"',
    })
  }
})

t.test('A1: a route rejects delegated tokens with 403', async (t) => {
  const app = await protectedApi(t)
  app.get('/password', { config: { auth: { actor: 'none' } } }, async () => 'in')
  app.get('/', async (request) => request.auth?.actor)
  const delegated = bearer(await tokenOf({ act: { sub: 'support' } }))
  const rejected = await app.inject({ url: '/password', headers: delegated })
  t.equal(rejected.statusCode, 403)
  t.equal(rejected.headers['www-authenticate']?.includes('scope='), false)
  const own = await app.inject({ url: '/password', headers: bearer(await tokenOf()) })
  t.equal(own.statusCode, 200)
  t.match((await app.inject({ url: '/', headers: delegated })).json(), { subject: 'support' })
})
