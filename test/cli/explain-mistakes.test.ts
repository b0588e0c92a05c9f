/** `explain` names the failed step and the fix for the failures of the demo and common mistakes. */
import { createHmac } from 'node:crypto'
import t from 'tap'
import {
  createAuthorizationServer,
  passwordGrant,
  testClient,
  testUser,
} from '../../src/testing/index.js'
import { type Outcome, runBuilt, runHere } from './fixtures/run.js'

const server = await createAuthorizationServer({ profile: 'okta' })
t.teardown(() => server.close())
const { issuer } = server
const AUDIENCE = 'api://default'
const args = ['explain', '--issuer', issuer, '--audience', AUDIENCE, '--profile', 'okta']
const now = Math.floor(Date.now() / 1000)

const { access_token: valid, id_token: idToken = '' } = await passwordGrant({
  issuer,
  ...testClient,
  ...testUser,
  scope: 'openid profile',
})
const [header = '', payload = '', signature = ''] = valid.split('.')
const segment = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const validClaims = JSON.parse(Buffer.from(payload, 'base64url').toString())
const tampered = [header, segment({ ...validClaims, sub: 'another-user' }), signature].join('.')

function failing({ stdout }: Outcome): string[] {
  return [...stdout.matchAll(/^ {2}✘ ([\w-]+)/gm)].map(([, name]) => name as string)
}

const explain = (input: string, more: readonly string[] = []) =>
  runHere([...args, ...more], { input })

t.test('the built command accepts a valid token, and never prints its signature', async (t) => {
  const outcome = await runBuilt(args, { input: `${valid}\n` })
  t.match(outcome, { code: 0, stderr: '' })
  t.strictSame(failing(outcome), [])
  t.match(outcome.stdout, /✔ signature +valid[\s\S]*accepted[\s\S]*sub {2}"testuser1@example\.com"/)
  t.notMatch(outcome.stdout, signature)
  t.notMatch(outcome.stdout, '\x1b')
  const json = await runBuilt([...args, '--json'], { input: valid })
  t.match(JSON.parse(json.stdout), { result: { accepted: true }, claims: validClaims })
  t.notMatch(json.stdout, signature)
})

t.test('reads the token from an argument, a prompt, or a header line', async (t) => {
  const expected = await explain(valid)
  t.equal(expected.code, 0)
  t.same(await runHere([...args, valid]), expected)
  t.match(await runHere(args, { typed: [`${valid}\r`] }), { code: 0, stderr: 'Token: \n' })
  t.same(await explain(` \n${valid}\r\n`), expected)
  for (const prefix of ['Bearer ', 'authorization: bearer ']) {
    const { code, stdout } = await explain(`${prefix}${valid}\r\n`)
    t.equal(code, 0)
    t.match(stdout, ' characters, read from the header\n')
    t.equal(stdout.replace(', read from the header', ''), expected.stdout)
  }
  for (const [input, expected] of [
    ['', 'no token: pass it on standard input'],
    ['\n', 'no token: pass it on standard input'],
    ['Bearer \n', 'the client sends an empty token'],
    ['Authorization: Bearer', 'the client sends an empty token'],
  ] as const) {
    const { code, stderr } = await explain(input)
    t.equal(code, 2)
    t.match(stderr, expected)
  }
})

t.test('uses colors on a terminal', async (t) => {
  const { stdout } = await runHere(args, { input: tampered, color: true })
  t.match(stdout, '\x1b[31m✘')
  t.match((await runHere(args, { input: tampered, env: { FORCE_COLOR: '1' } })).stdout, '\x1b[31m')
})

t.test('each failure of the demo fails at its step', async (t) => {
  const rows = [
    [valid, [], 0],
    [tampered, ['signature'], 1],
    [await server.issueToken({ iat: now - 7200, exp: now - 3600 }), ['expiry'], 1],
    [await server.issueToken({ aud: 'api://other' }), ['audience'], 1],
    [idToken, ['type', 'claims', 'audience'], 1],
  ] as const
  for (const [token, steps, code] of rows) {
    const outcome = await explain(token)
    t.equal(outcome.code, code)
    t.strictSame(failing(outcome), steps)
  }
  const scope = await explain(valid, ['--scope', 'orders:read'])
  t.strictSame([scope.code, failing(scope)], [1, ['scope']])
  t.match(scope.stdout, 'rejected at step "scope": 403 insufficient_scope')
  await server.rotateKeys()
  t.equal((await explain(await server.issueToken())).code, 0)
})

t.test('explains a wrong audience', async (t) => {
  const outcome = await explain(await server.issueToken({ aud: 'api://other' }))
  t.strictSame(failing(outcome), ['audience'])
  t.match(
    outcome.stdout,
    /expected +api:\/\/default\n +found +"api:\/\/other"\n +to do +Request a token for this API/,
  )
  const client = await explain(await server.issueToken({ aud: testClient.clientId }))
  t.match(client.stdout, 'The audience of the token is the client')
  const hinted = await runHere(
    ['explain', '--issuer', issuer, '--audience', 'x', '--profile', 'cognito'],
    { input: valid },
  )
  t.match(
    hinted.stdout,
    'exactly that value. For this issuer: access tokens have the requested resource',
  )
})

t.test('explains a trailing slash of the issuer', async (t) => {
  const outcome = await runHere(['explain', '--issuer', `${issuer}/`, ...args.slice(3)], {
    input: valid,
  })
  t.strictSame(failing(outcome), ['issuer'])
  t.match(
    outcome.stdout,
    `The issuer identifiers differ only in the trailing slash. Set the API's "issuer" to the value in the token, exactly: ${issuer}\n`,
  )
})

t.test("explains a token of Okta's org server", async (t) => {
  const token = await server.issueToken({ iss: 'https://acme.okta.com' })
  const outcome = await runHere(
    ['explain', '--issuer', 'https://acme.okta.com/oauth2/default', '--audience', AUDIENCE],
    { input: token },
  )
  t.strictSame(failing(outcome), ['issuer'])
  t.match(
    outcome.stdout,
    "is Okta's org authorization server, whose access tokens only Okta itself can validate",
  )
  const configured = await runHere([
    'explain',
    '--issuer',
    'https://acme.okta.com',
    '--audience',
    AUDIENCE,
  ])
  t.match(configured, {
    code: 2,
    stderr: /^fastify-resource-server: --issuer https:\/\/acme.okta.com is Okta's org/,
  })
})

t.test('recognizes an ID token', async (t) => {
  const outcome = await explain(idToken)
  t.equal(failing(outcome)[0], 'type')
  t.match(outcome.stdout, 'This looks like an ID token')
  t.match(outcome.stdout, 'Send the access token instead: "access_token" of the token response')
  // An ID token of Okta is recognized only by the missing "cid".
  const bare = await explain(await server.issueToken({ cid: undefined, nonce: 'n' }))
  t.strictSame(failing(bare), ['claims'])
  t.match(bare.stdout, 'This looks like an ID token')
  for (const claims of [{ token_use: 'id' }, { typ: 'ID' }]) {
    t.match((await explain(await server.issueToken(claims))).stdout, 'This looks like an ID token')
  }
  const refresh = await explain(await server.issueToken({ token_use: 'refresh' }))
  t.match(
    refresh.stdout,
    'Send an access token: this is an ID token, a refresh token or another token of the issuer',
  )
  const typ = await explain(
    await server.issueToken({}, { header: { typ: 'application/other+jwt' } }),
  )
  t.match(typ.stdout, 'The profile okta accepts no token with this "typ"')
  for (const [typ, name] of [
    ['dpop+jwt', 'a DPoP proof'],
    ['Logout+JWT', 'a logout token'],
    ['application/secevent+jwt', 'a security event token'],
  ]) {
    const { stdout } = await explain(await server.issueToken({}, { header: { typ } }))
    t.match(stdout, `This is ${name}, not an access token: send "access_token"`)
  }
})

t.test('explains clock skew', async (t) => {
  // Half a minute above a whole number of minutes, because time passes during the test.
  const ahead = await explain(await server.issueToken({ iat: now + 150 }))
  t.strictSame(failing(ahead), ['issued-at'])
  t.match(
    ahead.stdout,
    /The token says it is issued at \S+, 2 minutes from now\. Compare the issuer's clock with that of/,
  )
  const early = await explain(await server.issueToken({ nbf: now + 400 }))
  t.strictSame(failing(early), ['not-before'])
  t.match(early.stdout, /The token becomes valid in 6 minutes, at \S+\. Compare/)
  t.equal(
    (await explain(await server.issueToken({ iat: now + 120 }), ['--clock-tolerance', '200'])).code,
    0,
  )
  const old = await explain(await server.issueToken({ iat: now - 400 }), ['--max-token-age', '60'])
  t.match(old.stdout, 'older than --max-token-age allows')
})

t.test('explains an opaque token', async (t) => {
  const outcome = await explain(await server.issueToken({}, { format: 'opaque' }))
  t.strictSame(failing(outcome), ['token'])
  t.match(outcome.stdout, 'An opaque token can only be verified by introspection at its issuer')
  t.notMatch(outcome.stdout, /^ {2}(?:header|claims)/m, 'there are no contents to show')
  t.match(JSON.parse((await explain('opaque', ['--json'])).stdout), { result: { step: 'token' } })
})

t.test('explains a wrong tenant', async (t) => {
  const [ours, theirs] = [
    'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
    'ffffffff-bbbb-4ccc-8ddd-eeeeeeeeeeee',
  ]
  const audience = '11111111-2222-4333-8444-555555555555'
  const entra = await createAuthorizationServer({ profile: 'entra', audience })
  t.teardown(() => entra.close())
  const v2 = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`
  const explainToken = async (iss: string, tid: string) =>
    runHere(['explain', '--issuer', v2(ours), '--audience', audience], {
      input: await entra.issueToken({ iss, tid }),
    })
  const wrong = await explainToken(v2(theirs), theirs)
  t.strictSame(failing(wrong), ['issuer'])
  t.match(wrong.stdout, 'The token is from another tenant of Entra ID')
  const version = await explainToken(`https://sts.windows.net/${ours}/`, ours)
  t.strictSame(failing(version), ['issuer'])
  t.match(version.stdout, 'The tenant is correct, but the token has another version')
  const external = await explainToken(`https://${ours}.ciamlogin.com/${ours}/v2.0`, ours)
  t.match(external.stdout, 'The tenant is correct, but the token is from another issuer of the')
  const otherIssuer = await explainToken('https://acme.example', theirs)
  t.match(otherIssuer.stdout, `Get a token from ${v2(ours)}; or, if you trust the issuer`)
})

t.test('explains a missing scope', async (t) => {
  const outcome = await explain(valid, ['--scope', 'orders:read'])
  t.strictSame(failing(outcome), ['scope'])
  t.match(
    outcome.stdout,
    'The token grants: openid profile. Request the scope with the token (token --scope "orders:read")',
  )
})

t.test('explains an HS256 token', async (t) => {
  const input = `${segment({ alg: 'HS256', typ: 'JWT' })}.${payload}`
  const mac = createHmac('sha256', 'secret').update(input).digest('base64url')
  const outcome = await explain(`${input}.${mac}`)
  t.strictSame(failing(outcome), ['algorithm'])
  t.match(outcome.stdout, 'HS256 needs a secret that the API shares with the issuer')
  for (const [signature, step] of [
    ['', 'token'],
    ['AAAA', 'algorithm'],
  ] as const) {
    const none = await explain(`${segment({ alg: 'none' })}.${payload}.${signature}`)
    t.strictSame(failing(none), [step])
    t.match(none.stdout, 'The token is not signed at all')
  }
  const other = await explain(valid, ['--algorithms', 'ES256', '--algorithms', 'PS256'])
  t.strictSame(failing(other), ['algorithm'])
  t.match(other.stdout, /expected +ES256 or PS256/)
})

t.test('explains an expired token', async (t) => {
  const outcome = await explain(await server.issueToken({ iat: now - 9_000, exp: now - 7_200 }))
  t.strictSame(failing(outcome), ['expiry'])
  t.match(outcome.stdout, /The token expired 2 hours ago, at \S+Z: get a new one\.\n/)
  t.match(outcome.stdout, /expected +after \S+Z \(\d{10}\)\n +found +\S+Z \(\d{10}\)\n/)
  t.match(outcome.stdout, /exp {2}\S+Z \(\d{10}\)\n/)
  const late = await explain(await server.issueToken({ iat: now - 900, exp: now - 300 }))
  t.match(late.stdout, /The token expired 5 minutes ago.* If it should still be valid: Compare/)
})

t.test('an unreachable issuer is exit code 3', async (t) => {
  const token = await server.issueToken({ iss: 'http://127.0.0.1:1' })
  const outcome = await runHere(
    ['explain', '--issuer', 'http://127.0.0.1:1', '--audience', AUDIENCE],
    { input: token },
  )
  t.equal(outcome.code, 3)
  t.strictSame(failing(outcome), ['key'])
  t.match(outcome.stdout, 'Check that http://127.0.0.1:1 is spelled exactly as in its metadata')
  t.match(outcome.stdout, 'rejected at step "key": 503 temporarily_unavailable')
})

t.test('escapes terminal control characters of a token', async (t) => {
  const evil = '\x1b[2J\u202e\x9b'
  const token = await server.issueToken({
    iss: `https://x.example/${evil}`,
    [evil]: evil,
    aud: evil,
  })
  for (const more of [[], ['--json']]) {
    const { stdout } = await explain(token, more)
    for (const character of ['\x1b', '\u202e', '\x9b']) t.notOk(stdout.includes(character))
    t.match(stdout, '\\u001b[2J')
  }
})

t.test('passes flags to the options of the plugin', async (t) => {
  const jwks = ['--jwks-uri', server.jwksUri, '--dangerously-allow-http']
  t.equal((await explain(valid, jwks)).code, 0)
  const azp = ['--dangerously-audience-from', 'azp']
  t.match(await explain(valid, azp), {
    code: 2,
    stderr: /--dangerously-audience-from is not available with the profile okta/,
  })
  t.match(await explain(valid, ['--scope', '"']), { code: 2, stderr: /--scope must have/ })
})

t.test('explains a token of an API that compares no audience', async (t) => {
  const base = ['explain', '--issuer', issuer, '--profile', 'standard']
  const run = (...more: string[]) => runHere([...base, ...more], { input: valid })
  const rule = '--dangerously-no-audience'
  const only = await run(rule, 'issuer-serves-this-api-only')
  t.match(only, { code: 0, stdout: /✔ audience +not compared; any token/ })
  const claims = await run(rule, 'cid=other', rule, `cid=${validClaims.cid}`, rule, 'ver=1')
  t.match(claims, { code: 1, stdout: /✘ audience[\s\S]*"ver": 1/ }, 'a number is no string')
  t.match(claims.stdout, /compares these claims instead of the audience/)
  const met = await run(rule, `cid=${validClaims.cid}`)
  t.match(met, { code: 0, stdout: /✔ audience +not compared; "cid": "/ })
  t.match(await run(), { code: 2, stderr: /--audience is required/ })
  t.match(await run(rule, 'cid'), { code: 2, stderr: /must be issuer-serves-this-api-only, or/ })
  t.match(await run(rule, 'issuer-serves-this-api-only', rule, 'a=b'), { code: 2 })
  t.match(await run(rule, 'iss=x'), { code: 2, stderr: /must not contain "iss"/ })
  t.match(await run(rule, 'a=b', '--audience', 'x'), {
    code: 2,
    stderr: /--dangerously-no-audience excludes --audience/,
  })
})

t.test('names the key set, not the metadata, of an issuer that is not a URL', async (t) => {
  const base = ['explain', '--issuer', 'acme.com', '--audience', AUDIENCE]
  const gone = ['--jwks-uri', 'http://127.0.0.1:1/keys']
  const token = [header, segment({ ...validClaims, iss: 'acme.com' }), signature].join('.')
  const { stdout } = await runHere([...base, ...gone], { input: token })
  t.match(stdout, /Check that the URL of the key set is correct and reachable from this machine/)
})

t.test('reads what a client did to the token, as the API does', async (t) => {
  const inputs: readonly [input: string, result: string, toDo: string][] = [
    [`JWT ${valid}`, '401 missing_credentials', 'The API accepts only the scheme Bearer'],
    [`Bearer: ${valid}`, '401 missing_credentials', 'The API accepts only the scheme Bearer'],
    [`authorization: Basic ${valid}`, '401 missing_credentials', 'accepts only the scheme Bearer'],
    [valid.replaceAll('.', '%2E'), '400 invalid_request', 'removed: the percent-encoding'],
    [`Bearer%20${valid}`, '400 invalid_request', 'the percent-encoding, a second "Bearer"'],
    [`Bearer \uFEFF${valid}`, '400 invalid_request', 'the character U+FEFF'],
    [`${valid}\u200b`, '400 invalid_request', 'removed: everything around the JWT'],
    ['100%', '400 invalid_request', 'Pass only the token'],
  ]
  for (const [input, result, toDo] of inputs) {
    const { code, stdout } = await explain(input)
    t.equal(code, 1, input)
    t.match(stdout, `rejected at step "credentials": ${result}`)
    t.match(stdout, toDo)
    if (input !== '100%') t.match(stdout, 'the token alone: accepted')
  }
  const encoded = await explain(Buffer.from(valid).toString('base64'))
  t.match(encoded.stdout, 'rejected at step "token": 401')
  t.match(encoded.stdout, 'a JWT that was encoded in base64 once more')
  const refreshToken = await explain('vAbCdEf0123456789abcdefghijkl')
  t.match(refreshToken.stdout, 'A refresh token is opaque as well')
})

t.test('checks the claims that the API requires', async (t) => {
  t.match(await explain(valid, ['--required-claims', 'cid']), { code: 0 })
  const { code, stdout } = await explain(valid, [
    '--required-claims',
    'cid',
    '--required-claims',
    'org',
  ])
  t.equal(code, 1)
  t.match(stdout, 'The option "requiredClaims" of the API requires "org"')
})

t.test('says what to do if the API rejects an accepted token', async (t) => {
  t.match((await explain(valid)).stdout, /accepted\n {2}If your API rejects it: "check" in the log/)
  t.notMatch((await explain(tampered)).stdout, 'If your API rejects it')
})

t.test('recognizes an issuer that wrote its local address into iss', async (t) => {
  const advised = 'differ only in host or port'
  const local = issuer.replace('127.0.0.1', 'localhost')
  for (const iss of [local, issuer.replace(/:\d+/, ':1'), issuer.replace('127.0.0.1', 'auth')]) {
    t.match((await explain(await server.issueToken({ iss }))).stdout, advised, iss)
  }
  for (const iss of [local.replace('default', 'other'), 'https://[::1]/oauth2/default', 'acme']) {
    t.notMatch((await explain(await server.issueToken({ iss }))).stdout, advised, iss)
  }
})
