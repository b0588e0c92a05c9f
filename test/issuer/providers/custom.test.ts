import t from 'tap'
import type { Profile } from '../../../src/index.js'
import { resolveOptions } from '../../../src/server/options.js'
import { forge, outcome, serverFor } from '../../fixtures/forgery.js'
import { AUDIENCE, ISSUER, makeKey } from '../../fixtures/issuer.js'

const key = await makeKey('ES256')

const serverWith = (profile: Profile) => serverFor([key], { profile })
const tokenOf = (claims: object, typ: string | undefined = 'at+jwt') =>
  forge(key, { claims: { ...claims }, header: { typ } })

t.test('inherits omitted members from the standard profile', async (t) => {
  const server = await serverWith({ name: 'ours' })
  const token = await server.verify(tokenOf({ roles: ['a'], groups: ['b'], permissions: ['c'] }))
  t.match(token, { clientId: 'client-1', subjectKind: 'unknown' })
  t.strictSame([...token.scope], ['orders:read', 'profile'])
  t.strictSame([...token.roles, ...token.groups, ...token.permissions], ['a', 'b', 'c'])
})

t.test(
  'reads scope, client, roles, groups and permissions with the functions of a profile',
  async (t) => {
    const server = await serverWith({
      name: 'ours',
      scope: (claims) => claims.rights,
      clientId: ({ app }) => app,
      roles: (claims) => claims['https://ours.example/roles'],
      groups: ({ teams }) => teams,
      permissions: ({ may }) => may,
      subjectKind: ({ person }) => (person === true ? 'user' : 'client'),
    })
    const token = await server.verify(
      tokenOf({
        rights: 'read write',
        app: 'web',
        'https://ours.example/roles': ['editor'],
        teams: ['red'],
        may: 'fly high',
        person: true,
      }),
    )
    t.match(token, { clientId: 'web', subjectKind: 'user' })
    t.strictSame([...token.scope], ['read', 'write'])
    t.strictSame([...token.roles], ['editor'])
    t.strictSame([...token.groups], ['red'])
    t.strictSame([...token.permissions], ['fly high'])
  },
)

t.test('reads the member names of an object, and an anonymous subject', async (t) => {
  const server = await serverWith({
    name: 'ours',
    scope: ({ rights }) => rights,
    roles: ({ rights }) => rights,
    groups: () => ({ none: false }),
    permissions: ({ rights }) => rights,
    subjectKind: () => 'anonymous',
  })
  const token = await server.verify(tokenOf({ rights: { read: true, write: {}, all: false } }))
  for (const read of [token.scope, token.roles, token.permissions]) {
    t.strictSame([...read], ['read', 'write'])
  }
  t.strictSame([...token.groups], [])
  t.equal(token.subjectKind, 'anonymous')
})

t.test('J8: isAccessToken gets the header of the token', async (t) => {
  const headers: unknown[] = []
  const server = await serverWith({
    name: 'ours',
    isAccessToken: (_claims, header) => {
      headers.push(header)
      return header.cat === 'session'
    },
  })
  const withHeader = (header: object) => forge(key, { header: { ...header } })
  for (let i = 0; i < 3; i++) {
    t.equal(await outcome(server, withHeader({ cat: 'session' })), 'accepted')
    t.equal(await outcome(server, withHeader({ cat: 'template' })), 'type', 'same claims')
    t.equal(await outcome(server, withHeader({})), 'type')
  }
  t.match(headers[0], { alg: 'ES256', cat: 'session' })
  t.ok(headers.every((header) => Object.isFrozen(header)))
  Reflect.set(Object.prototype, 'cat', 'session')
  t.teardown(() => Reflect.deleteProperty(Object.prototype, 'cat'))
  t.equal(await outcome(server, withHeader({})), 'type', 'an inherited parameter')
})

t.test('J8: checks the header on each use of a cached token and of a known header', async (t) => {
  let accepted = 'session'
  const server = await serverWith({
    name: 'ours',
    isAccessToken: (_claims, { cat }) => cat === accepted,
  })
  const tokens = [1, 2].map((jti) =>
    forge(key, { header: { cat: 'session' }, claims: { jti: `${jti}` } }),
  )
  t.equal(await outcome(server, tokens[0] as string), 'accepted')
  accepted = 'other'
  t.equal(await outcome(server, tokens[1] as string), 'type', 'its parsed header is cached')
})

t.test('reads the session and the actors with the functions of a profile', async (t) => {
  const server = await serverWith({
    name: 'ours',
    sessionId: ({ session }) => session,
    actor: ({ impersonator }) => impersonator,
  })
  const read = (claims: object) => server.verify(tokenOf(claims))
  t.equal((await read({ session: 's-1', sid: 'other' })).sessionId, 's-1')
  t.equal((await read({ sid: 'other' })).sessionId, undefined)
  const one = await read({ impersonator: { subject: 'support' } })
  t.strictSame(one.actor, { subject: 'support', issuer: undefined, clientId: undefined })
  t.ok(Object.isFrozen(one.actor))
  const chain = [{ clientId: 'agent', issuer: 'https://a.example' }, { subject: 'support' }]
  t.match((await read({ impersonator: chain })).actorChain, chain)
  for (const none of [undefined, []]) {
    t.equal((await read({ impersonator: none })).actor, undefined)
    const delegated = await read({ impersonator: none, act: { sub: 'agent' } })
    t.match(delegated.actor, { subject: 'agent' }, 'the actor of the extended profile')
  }
})

t.test('A1: throws for a malformed session or actor, instead of ignoring it', async (t) => {
  const server = await serverWith({
    name: 'ours',
    sessionId: ({ odd }) => odd,
    actor: ({ odd }) => odd,
  })
  const failed = (name: string) => ({
    message: `The function "profile.${name}" failed`,
    cause: TypeError,
  })
  for (const odd of [null, 1, true, ['s'], { sub: 'x' }]) {
    const token = await server.verify(tokenOf({ odd }))
    t.throws(() => token.sessionId, failed('sessionId'), JSON.stringify(odd))
  }
  for (const odd of [null, 1, true, 'x', ['x'], {}, { sub: 'x' }, { subject: 1 }, [{}, {}]]) {
    const token = await server.verify(tokenOf({ odd }))
    t.throws(() => token.actor, failed('actor'), JSON.stringify(odd))
    await t.rejects(server.verify(tokenOf({ odd }), { actor: 'none' }), failed('actor'))
  }
  await server.revoke({ sid: 'some-session' })
  await t.rejects(server.verify(tokenOf({ odd: 1 })), failed('sessionId'), 'not accepted')
})

t.test(
  'grants nothing for a result that is neither a string nor an array of strings',
  async (t) => {
    for (const odd of [
      undefined,
      null,
      true,
      1,
      {},
      Promise.resolve(['admin']),
      new Set(['admin']),
    ]) {
      const read = () => odd as never
      const server = await serverWith({
        name: 'ours',
        scope: read,
        clientId: read,
        roles: read,
        groups: read,
        permissions: read,
        subjectKind: read,
      })
      const token = await server.verify(tokenOf({}))
      const { scope, clientId, roles, groups, permissions, subjectKind } = token
      t.strictSame(
        [scope.size, clientId, roles.size, groups.size, permissions.size, subjectKind],
        [0, undefined, 0, 0, 0, 'unknown'],
        String(odd),
      )
    }
  },
)

t.test(
  'reports an exception of a reader as the cause of an error with a fixed message',
  async (t) => {
    const failure = new Error('ours')
    const fail = () => {
      throw failure
    }
    const server = await serverWith({ name: 'ours', clientId: fail })
    const failed = (reader: string) => ({
      message: `The function "profile.${reader}" failed`,
      cause: failure,
    })
    await t.rejects(server.verify(tokenOf({})), failed('clientId'))
    const restricted = await serverWith({ name: 'ours', scope: fail })
    await t.rejects(restricted.verify(tokenOf({}), { scope: 'a' }), failed('scope'))
    const lazy = await serverWith({ name: 'ours', roles: fail })
    const token = await lazy.verify(tokenOf({}))
    t.throws(() => token.roles, failed('roles'))
  },
)

t.test('J8: adds the checks of a custom profile to those of the extended one', async (t) => {
  const server = await serverWith({
    name: 'ours',
    extends: 'keycloak',
    requiredClaims: ['tenant'],
    isAccessToken: ({ kind }) => kind === 'api',
  })
  const valid = { typ: 'Bearer', tenant: 'acme', kind: 'api' }
  t.equal(await outcome(server, tokenOf(valid)), 'accepted')
  t.equal(await outcome(server, tokenOf({ ...valid, typ: undefined })), 'type', 'of Keycloak')
  t.equal(await outcome(server, tokenOf({ ...valid, tenant: undefined })), 'claims', 'of ours')
  t.equal(await outcome(server, tokenOf({ ...valid, kind: 'id' })), 'type', 'of ours')
  await t.rejects(server.verify(tokenOf({ ...valid, kind: 'id' })), {
    code: 'invalid_token',
    reason: {
      expected: 'true from "isAccessToken" of the profile ours',
      found: '"a token of another type"',
    },
  })
  const extended = await serverWith({ name: 'ours', extends: 'okta' })
  t.equal(await outcome(extended, tokenOf({})), 'claims', 'required by okta')
})

t.test('accepts only true from isAccessToken, and rejects the token if it throws', async (t) => {
  for (const response of [false, undefined, 1, 'true', {}, Promise.resolve(true)]) {
    const server = await serverWith({ name: 'ours', isAccessToken: () => response as never })
    t.equal(await outcome(server, tokenOf({})), 'type', String(response))
  }
  const server = await serverWith({
    name: 'ours',
    isAccessToken: (claims) => (claims.a as { b: { c: boolean } }).b.c,
  })
  t.equal(await outcome(server, tokenOf({})), 'type', 'a function that throws on untrusted claims')
})

t.test(
  'causes no unhandled rejection if a profile function returns a rejected promise',
  async (t) => {
    const unhandled: unknown[] = []
    const onUnhandled = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', onUnhandled)
    t.teardown(() => process.off('unhandledRejection', onUnhandled))
    const late = (() => Promise.reject(new Error('async by mistake'))) as never
    const strict = await serverWith({ name: 'ours', isAccessToken: late })
    t.equal(await outcome(strict, tokenOf({})), 'type')
    const server = await serverWith({
      name: 'ours',
      scope: late,
      clientId: late,
      roles: late,
      groups: late,
      permissions: late,
      subjectKind: late,
    })
    const token = await server.verify(tokenOf({}))
    t.equal(token.scope.size, 0)
    t.equal(token.clientId, undefined)
    for (const list of [token.roles, token.groups, token.permissions]) t.equal(list.size, 0)
    t.equal(token.subjectKind, 'unknown')
    await t.rejects(server.verify(tokenOf({}), { claims: { sub: late } }), {
      name: 'InsufficientScopeError',
      check: 'policy',
    })
    await new Promise((done) => setImmediate(done))
    t.strictSame(unhandled, [])
  },
)

t.test('J3: accepts only the types of a custom profile', async (t) => {
  const server = await serverWith({ name: 'ours', types: ['Application/Acme+JWT', 'at+jwt'] })
  for (const typ of ['acme+jwt', 'application/acme+jwt', 'AT+JWT']) {
    t.equal(await outcome(server, tokenOf({}, typ)), 'accepted', typ)
  }
  for (const typ of ['JWT', 'acme']) t.equal(await outcome(server, tokenOf({}, typ)), 'type', typ)
  const none = forge(key, { header: { typ: undefined } })
  t.equal(await outcome(server, none), 'accepted', 'as in standard')
  const strict = await serverWith({ name: 'ours', allowMissingTyp: false })
  t.equal(await outcome(strict, none), 'type')
})

t.test('ignores later changes of the profile object', async (t) => {
  const profile: Profile = { name: 'ours', types: ['at+jwt'], requiredClaims: ['jti'] }
  const server = await serverWith(profile)
  ;(profile.types as string[]).push('logout+jwt')
  ;(profile.requiredClaims as string[]).pop()
  profile.isAccessToken = () => false
  t.equal(await outcome(server, tokenOf({}, 'logout+jwt')), 'type')
  t.equal(await outcome(server, tokenOf({ jti: undefined })), 'claims')
  t.equal(await outcome(server, tokenOf({})), 'accepted')
})

t.test('rejects an invalid profile at startup', async (t) => {
  for (const [profile, message] of [
    [{}, /^"profile\.name" option must be 1 to 64 characters/],
    [{ name: '' }, /^"profile\.name" option/],
    [{ name: 'a b' }, /^"profile\.name" option/],
    [{ name: 'a\nb' }, /^"profile\.name" option/],
    [{ name: 'é' }, /^"profile\.name" option/],
    [{ name: 'x'.repeat(65) }, /^"profile\.name" option/],
    [{ name: 'a', extends: 'b' }, /^"profile\.extends" option must be one of standard, rfc9068/],
    [{ name: 'a', extends: null }, /^"profile\.extends" option/],
    [{ name: 'a', extends: 'toString' }, /^"profile\.extends" option/],
    [{ name: 'a', types: [] }, /^"profile\.types" option must be an array of media types/],
    [{ name: 'a', types: 'at+jwt' }, /^"profile\.types" option/],
    [{ name: 'a', types: ['at jwt'] }, /^"profile\.types" option/],
    [{ name: 'a', types: ['application/'] }, /^"profile\.types" option/],
    [{ name: 'a', types: ['application/application/jwt'] }, /^"profile\.types" option/],
    [{ name: 'a', types: [1] }, /^"profile\.types" option/],
    [{ name: 'a', allowMissingTyp: 1 }, /^"profile\.allowMissingTyp" option must be true or false/],
    [{ name: 'a', requiredClaims: 'jti' }, /^"profile\.requiredClaims" option must be an array/],
    [{ name: 'a', requiredClaims: [''] }, /^"profile\.requiredClaims" option/],
    [{ name: 'a', isAccessToken: true }, /^"profile\.isAccessToken" option must be a function/],
    [{ name: 'a', scope: 'scp' }, /^"profile\.scope" option must be a function/],
    [{ name: 'a', sessionId: 'sid' }, /^"profile\.sessionId" option must be a function/],
    [{ name: 'a', idTokenSubject: 'uid' }, /^"profile\.idTokenSubject" option must be a function/],
    [{ name: 'a', actor: 'act' }, /^"profile\.actor" option must be a function/],
    [{ name: 'a', subjectKind: 'user' }, /^"profile\.subjectKind" option must be a function/],
    [{ name: 'a', audience: () => '' }, /^Unknown option "audience" of "profile"\..* Known: name,/],
    [[], /^"profile" option must be one of standard, .*, or an object that defines a profile/],
    [new Map(), /^"profile" option must be one of/],
    [() => ({}), /^"profile" option must be one of/],
  ] as const) {
    const options = { issuer: ISSUER, audience: AUDIENCE, profile } as never
    t.throws(() => resolveOptions(options), { name: 'TypeError', message }, JSON.stringify(profile))
  }
  t.doesNotThrow(() =>
    resolveOptions({
      issuer: ISSUER,
      audience: AUDIENCE,
      profile: { name: 'a', requiredClaims: [], types: ['text/vnd.acme+jwt'] },
    }),
  )
})
