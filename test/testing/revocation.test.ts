import t from 'tap'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { basic, postForm } from './fixtures/post-form.js'

const web = basic('web', 'web-secret')
const other = basic('other', 'other-secret')
const signIn = {
  grant_type: 'password',
  username: 'testuser1@example.com',
  password: 'demo-password',
  scope: 'openid offline_access orders:read',
}

async function setUp() {
  const server = await createAuthorizationServer({
    algorithm: 'ES256',
    clients: [
      { clientId: 'web', clientSecret: 'web-secret' },
      { clientId: 'other', clientSecret: 'other-secret' },
      { clientId: 'cli' },
    ],
  })
  const active = async (token: string) =>
    (await postForm(server.introspectionEndpoint, { token }, other)).body.active
  return {
    server,
    /** Returns those of the tokens that are active. */
    activeOf: async (...tokens: string[]) => Promise.all(tokens.map(active)),
    revoke: (form: Record<string, string>, headers: Record<string, string> = web) =>
      postForm(server.revocationEndpoint, form, headers),
    /** Signs in, or refreshes. */
    async grant(form: Record<string, string> = signIn, headers: Record<string, string> = web) {
      const { status, body } = await postForm(server.tokenEndpoint, form, headers)
      return {
        status,
        error: body.error,
        access: body.access_token as string,
        refresh: body.refresh_token as string,
      }
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

const refreshing = (refresh_token: string) => ({ grant_type: 'refresh_token', refresh_token })

for (const format of ['jwt', 'opaque'] as const) {
  t.test(`revokes an access token, and no other (RFC 7009 §2, ${format})`, async (t) => {
    await using setup = await setUp()
    const { server, revoke, activeOf } = setup
    const token = await server.issueToken({}, { format })
    const another = await server.issueToken({}, { format })
    const { status, headers } = await revoke({ token, token_type_hint: 'refresh_token' })
    t.equal(status, 200)
    t.equal(headers.get('cache-control'), 'no-store')
    t.same(await activeOf(token, another), [false, true])
    t.equal((await revoke({ token })).status, 200, 'again')
    t.match(server.requests, { revocation: 2, introspection: 2 })
  })

  t.test(`revokes a token without a request (${format})`, async (t) => {
    await using setup = await setUp()
    const { server, activeOf } = setup
    const token = await server.issueToken({}, { format })
    t.equal(server.revoke(token), true)
    t.same(await activeOf(token), [false])
    t.equal(server.revoke(token), false, 'the token was already revoked')
    t.match(server.requests, { revocation: 0 })
  })
}

t.test('responds with 200 to an unknown token (RFC 7009 §2.2)', async (t) => {
  await using setup = await setUp()
  const { server, revoke } = setup
  for (const token of ['unknown', 'a.b.c', await server.issueIdToken()]) {
    const { status } = await revoke({ token })
    t.equal(status, 200)
    t.equal(server.revoke(token), false)
  }
  t.throws(() => server.revoke(undefined as unknown as string), {
    name: 'TypeError',
    message: /"token" must be a string/,
  })
})

t.test('revokes a refresh token with all tokens of its sign-in (RFC 7009 §2.1)', async (t) => {
  await using setup = await setUp()
  const { server, revoke, grant, activeOf } = setup
  const endings: ((token: string) => unknown)[] = [
    (token) => revoke({ token }),
    (token) => server.revoke(token),
  ]
  for (const end of endings) {
    const first = await grant()
    const second = await grant(refreshing(first.refresh))
    const elsewhere = await grant()
    const direct = await server.issueToken()
    await end(second.refresh)
    t.match(await grant(refreshing(second.refresh)), { status: 400, error: 'invalid_grant' })
    const tokens = [first.access, second.access, elsewhere.access, direct]
    t.same(await activeOf(...tokens), [false, false, true, true])
    t.equal((await grant(refreshing(elsewhere.refresh))).status, 200)
  }
})

t.test('revokes all tokens of a sign-in when a refresh token is reused', async (t) => {
  await using setup = await setUp()
  const { revoke, grant, activeOf } = setup
  const first = await grant()
  const second = await grant(refreshing(first.refresh))
  await revoke({ token: first.refresh })
  t.same(await activeOf(first.access, second.access), [false, false])
  t.match(await grant(refreshing(second.refresh)), { error: 'invalid_grant' })

  const third = await grant()
  const fourth = await grant(refreshing(third.refresh))
  t.same(await activeOf(third.access, fourth.access), [true, true])
  t.match(await grant(refreshing(third.refresh)), { error: 'invalid_grant' }, 'RFC 9700 §4.14.2')
  t.same(await activeOf(third.access, fourth.access), [false, false])
})

t.test('keeps the refresh token when the access token is revoked', async (t) => {
  await using setup = await setUp()
  const { revoke, grant } = setup
  const { access, refresh } = await grant()
  await revoke({ token: access })
  t.equal((await grant(refreshing(refresh))).status, 200)
})

t.test('rejects a client to which the token was not issued (RFC 7009 §2.1)', async (t) => {
  await using setup = await setUp()
  const { server, revoke, grant, activeOf } = setup
  const { access, refresh } = await grant()
  for (const token of [access, refresh]) {
    const { status, body } = await revoke({ token }, other)
    t.equal(status, 400)
    t.equal(body.error, 'invalid_grant')
  }
  t.same(await activeOf(access), [true])
  t.equal((await grant(refreshing(refresh))).status, 200)
  const named = await server.issueToken({ client_id: 'other' })
  t.equal((await revoke({ token: named })).status, 400)
  t.equal((await revoke({ token: named }, other)).status, 200)
  t.same(await activeOf(named), [false])
})

t.test('lets a public client revoke with only its id (RFC 7009 §2.1)', async (t) => {
  await using setup = await setUp()
  const { revoke, grant, activeOf } = setup
  const { access } = await grant({ ...signIn, client_id: 'cli' }, {})
  t.equal((await revoke({ token: access, client_id: 'cli' }, {})).status, 200)
  t.same(await activeOf(access), [false])
})

t.test('requires client authentication and a token', async (t) => {
  await using setup = await setUp()
  const { server, revoke, activeOf } = setup
  const token = await server.issueToken()
  const wrong = await revoke({ token }, basic('web', 'x'))
  t.equal(wrong.status, 401)
  t.equal(wrong.body.error, 'invalid_client')
  t.match(wrong.headers.get('www-authenticate'), /^Basic /)
  t.equal((await revoke({ token }, {})).status, 401)
  t.equal((await revoke({ token, client_id: 'web' }, {})).status, 401)
  const empty = await revoke({})
  t.equal(empty.status, 400)
  t.equal(empty.body.error, 'invalid_request')
  t.same(await activeOf(token), [true])
})
