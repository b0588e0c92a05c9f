/** The advice of `explain` depends on the cause of a failure, not only on the step. */
import { sign as signBytes } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { malformedAdvice } from '../../src/cli/explain/malformed-advice.js'
import { spellingDifference } from '../../src/cli/explain/spelling.js'
import { jsonTypeName } from '../../src/cli/json-type-name.js'
import { signed } from '../fixtures/forgery.js'
import { AUDIENCE, base64url, claims, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { runHere } from './fixtures/run.js'

const key = await makeKey('ES256')
const now = seconds()

let respond: RequestListener = () => {}
const issuerServer = createServer((request, response) => respond(request, response))
await new Promise<void>((resolve) => issuerServer.listen(0, '127.0.0.1', resolve))
t.teardown(() => issuerServer.close())
const issuer = `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}`

function publish(keys: unknown): void {
  respond = ({ url }, response) => {
    const metadata = { issuer, jwks_uri: `${issuer}/keys` }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(url === '/keys' ? { keys } : metadata))
  }
}
t.beforeEach(() => publish([key.publicJwk]))

const token = (overrides: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
  sign(key, { iss: issuer, ...overrides }, { header })

async function explain(input: string, args: readonly string[] = []) {
  const fixed = ['explain', '--issuer', issuer, '--audience', AUDIENCE]
  const outcome = await runHere([...fixed, ...args, '--json'], { input })
  const { result, steps } = JSON.parse(outcome.stdout) as {
    result: { accepted: boolean; status: number; step: string }
    steps: { name: string; outcome: string; advice?: string; found?: string }[]
  }
  const advice = Object.fromEntries(
    steps.flatMap((step) => (step.advice ? [[step.name, step.advice]] : [])),
  )
  const found = Object.fromEntries(steps.map((step) => [step.name, step.found]))
  return { ...outcome, result, advice, found }
}

/** Asserts that only this step failed, with this advice. */
async function advises(
  t: Test,
  step: string,
  expected: string | RegExp,
  input: string,
  args: readonly string[] = [],
) {
  const { code, advice, result, stderr } = await explain(input, args)
  t.equal(stderr, '')
  t.strictSame(Object.keys(advice), [step])
  t.match(advice[step], expected)
  t.strictSame([code, result.step], [result.status >= 500 ? 3 : 1, step])
}

t.test('accepts a valid token without advice', async (t) => {
  t.match(await explain(await token()), { code: 0, advice: {} })
})

t.test('names the length limit for a token that is too long', async (t) => {
  const long = await token({ groups: Array.from({ length: 900 }, (_, i) => `group-${i}`) })
  const expected = `The token has ${long.length} characters; this API accepts at most 8192.`
  await advises(t, 'token', expected, long)
  await advises(t, 'token', 'raise "maxTokenLength" in the API, and --max-token-length here', long)
  t.equal((await explain(long, ['--max-token-length', '20000'])).code, 0)
  t.notMatch((await explain(long)).advice.token, '431')
  const huge = await token({ groups: 'x'.repeat(20_000) })
  await advises(t, 'token', 'Node itself responds with 431', huge)
  for (const length of ['255', '65537', '0']) {
    const args = ['explain', '--issuer', issuer, '--audience', 'a', '--max-token-length', length]
    const { code, stderr } = await runHere(args, { input: long })
    t.equal(code, 2)
    t.match(stderr, '--max-token-length must be')
  }
})

t.test('recognizes text that clients send if they have no token', async (t) => {
  const texts = [
    'undefined',
    'null',
    '[object Object]',
    '$TOKEN',
    `\${TOKEN}`,
    '{{ token }}',
    '<token>',
  ]
  for (const text of [...texts, '%TOKEN%']) {
    const { advice } = await explain(text)
    const expected = `"${text}" is no token: the client read the token from a variable`
    t.equal(advice.token?.startsWith(expected), true, text)
    t.equal((advice.credentials ?? advice.token)?.startsWith(expected), true, text)
  }
})

t.test('tells opaque tokens with dots from damaged JWTs', async (t) => {
  const valid = await token()
  const [header = '', payload = '', signature = ''] = valid.split('.')
  for (const opaque of ['ya29.a0AfH6SMBx9_abc', 'v4.public.AAECAwQF_w', 'v2.local.AAAA.BBBB']) {
    await advises(t, 'token', 'An opaque token can only be verified by introspection', opaque)
  }
  const copy = 'Copy only the token, completely'
  await advises(t, 'token', copy, `${header}.${payload}`)
  await advises(t, 'token', copy, header.slice(0, 20))
  await advises(t, 'token', copy, `${valid}.a.b`)
  await advises(t, 'token', 'The header is not', `${header.slice(2)}.${payload}.${signature}`)
  await advises(
    t,
    'token',
    'The token is abbreviated',
    `${valid.slice(0, 40)}...${valid.slice(-9)}`,
  )
  t.match((await explain(`${valid} ${valid}`)).advice.token, 'The input contains several tokens')
  const { advice } = await explain(`${valid.slice(0, 30)} ${valid.slice(30)}`)
  t.notMatch(advice.token, 'several tokens')
})

t.test('names the option "algorithms" for an algorithm that the API excludes', async (t) => {
  const args = ['--algorithms', 'RS256']
  await advises(
    t,
    'algorithm',
    'Add ES256 to the option "algorithms" of the API',
    await token(),
    args,
  )
  const [, payload, signature] = (await token()).split('.')
  const unknown = `${base64url({ alg: 'ES257' })}.${payload}.${signature}`
  await advises(t, 'algorithm', /^Have the issuer sign with one of the expected/, unknown)
})

t.test('suggests the profile "cognito" for a token with the audience in client_id', async (t) => {
  const cognito = await token({ aud: undefined, client_id: AUDIENCE, token_use: 'access' })
  await advises(t, 'audience', 'set the profile "cognito", in the API and here', cognito)
  const args = ['--profile', 'cognito']
  t.match(await explain(cognito, args), { code: 0 })
  const other = await token({ aud: undefined, client_id: 'other', token_use: 'access' })
  await advises(t, 'audience', /^Request a token for this API/, other, args)
})

t.test('does not consider an access token with "amr" an ID token (RFC 9068)', async (t) => {
  const input = await token({ aud: 'other', amr: ['pwd'] }, { typ: 'at+jwt' })
  await advises(t, 'audience', /^Request a token for this API/, input)
  const { stdout } = await runHere(['explain'], { input })
  t.notMatch(stdout, 'ID token')
})

t.test('names the option for a sender-constrained token', async (t) => {
  const thumbprint = base64url(Buffer.alloc(32))
  const rows = [
    [
      { jkt: thumbprint },
      'set the option "dpop" in the API, and have the client send a DPoP proof',
    ],
    [{ 'x5t#S256': thumbprint }, 'set the option "mtls" in the API, and have the client use its'],
    [{ jkt: 'short' }, 'cannot verify. Have the issuer write "jkt" of "cnf": SHA-256 in base64url'],
    [{ jwk: {} }, 'cannot verify. Have the issuer write a "cnf" with "jkt" or "x5t#S256"'],
  ] as const
  for (const [cnf, expected] of rows) {
    await advises(t, 'binding', expected, await token({ cnf }))
  }
})

t.test('advises to copy a token again if no part of it is malformed', async (t) => {
  t.match(malformedAdvice(await token(), 8_192), 'Copy it again, complete and unchanged')
})

t.test('recognizes the values of a repeated header, which have five parts', async (t) => {
  for (const separator of [',', ', ', ', Bearer ']) {
    const { advice } = await explain(`${await token()}${separator}${await token()}`)
    t.match(advice.token ?? advice.credentials, /several tokens|Pass only the token/, separator)
    t.notMatch(Object.values(advice).join(), 'encrypted', separator)
  }
  const two = `${await token()},${await token()}`
  t.match((await explain(two)).advice.token, /^The input contains several tokens/)
})

t.test('text output lists what was removed around the token', async (t) => {
  const args = ['explain', '--issuer', issuer, '--audience', AUDIENCE]
  const { code, stdout } = await runHere(args, { input: `"${await token()}"` })
  t.equal(code, 1)
  t.match(stdout, /✘ credentials[\s\S]*To read the token, explain removed: the quotation marks/)
  t.match(
    stdout,
    /rejected at step "credentials": 400 invalid_request, .*\n {2}the token alone: accepted/,
  )
  const json = await runHere([...args, '--json'], { input: `"${await token({ exp: 1 })}"` })
  t.match(JSON.parse(json.stdout), {
    result: { status: 400, step: 'credentials' },
    tokenAlone: { status: 401, step: 'expiry' },
  })
})

t.test('recognizes an ECDSA signature in DER', async (t) => {
  for (const [alg, hash] of [
    ['ES256', 'sha256'],
    ['ES384', 'sha384'],
    ['ES512', 'sha512'],
  ] as const) {
    const signer = await makeKey(alg)
    publish([signer.publicJwk])
    const [header, payload] = (await sign(signer, { iss: issuer })).split('.')
    const input = `${header}.${payload}`
    const der = signBytes(hash, Buffer.from(input), signer.privateKey)
    const args = ['--algorithms', alg]
    await advises(t, 'signature', /encoded in DER.*ieee-p1363/, `${input}.${base64url(der)}`, args)
    const other = Buffer.alloc(der.length, 1)
    for (const bytes of [other, der.subarray(1), der.subarray(0, -1)]) {
      await advises(t, 'signature', 'The token was modified', `${input}.${base64url(bytes)}`, args)
    }
  }
})

t.test('recognizes text that is not UTF-8', async (t) => {
  const [header, , signature] = (await token()).split('.')
  const latin1 = Buffer.from(JSON.stringify(claims({ iss: issuer, name: 'Jürgen' })), 'latin1')
  const payload = base64url(latin1)
  await advises(t, 'token', /payload is not UTF-8.*Latin-1/, `${header}.${payload}.${signature}`)
  const utf16 = base64url(Buffer.from('{"alg":"ES256","ü":"€"}', 'latin1'))
  await advises(t, 'token', 'The header is not UTF-8', `${utf16}.${payload}.${signature}`)
})

t.test('names why JSON is rejected: nesting, duplicate members, no object, syntax', async (t) => {
  const [header = '', payload, signature] = (await token()).split('.')
  const deep = (levels: number) =>
    `{"iss":"${issuer}","a":${'['.repeat(levels)}${']'.repeat(levels)}}`
  const rows = [
    [deep(40), 'nested more than 32 levels deep'],
    [deep(2_500), 'nested more than 32 levels deep'],
    ['{"sub":"a","sub":"b"}', 'a duplicate member'],
    ['{"__proto__":{}}', '"__proto__"'],
    ['null', 'The payload is null, and must be a JSON object'],
    ['[]', 'The payload is an array, and must be'],
    ['"text"', 'The payload is a string, and must be'],
    ['7', 'The payload is a number, and must be'],
    ['{"sub":', 'The payload is not JSON'],
  ] as const
  for (const [text, expected] of rows) {
    const part = base64url(Buffer.from(text))
    await advises(t, 'token', expected, signed(key, `${header}.${part}`))
    const inHeader = expected.replace('payload', 'header')
    await advises(t, 'token', inHeader, `${part}.${payload}.${signature}`)
  }
  const names = Array.from({ length: 100 }, (_, i) => [`name${i}`, i])
  const large = base64url({ alg: 'ES256', ...Object.fromEntries(names) })
  const expected = 'The header has far more members than RFC 7515'
  await advises(t, 'token', expected, `${large}.${payload}.${signature}`)
})

t.test('recognizes base64 that is not base64url', async (t) => {
  const [header, payload, signature] = (await token()).split('.') as [string, string, string]
  const rows = [
    [`${header}.${payload}==.${signature}`, 'The payload is padded with "="', '400'],
    [`${header}.${payload}.${signature}=`, 'The signature is padded with "="', '401'],
    [`${header}.${payload}.ab+/`, 'The signature is written in base64 with "+" or "/"', '401'],
    [`${header}.${payload}.ab~c`, 'The signature has characters that base64url lacks', '401'],
    [`${header}.${payload}.${signature.slice(0, -1)}`, 'The signature is not canonical', '401'],
    [`${header}.${payload}.`, 'The token is not signed at all', '401'],
    [`${header}..${signature}`, 'The payload is empty', '401'],
    [`.${payload}.${signature}`, 'The header is empty', '401'],
  ] as const
  for (const [input, expected, status] of rows) {
    const { advice, result } = await explain(input)
    t.match(advice.token, expected)
    t.equal(`${result.status}`, status)
  }
})

t.test('names the invalid header member', async (t) => {
  const [, payload, signature] = (await token()).split('.') as [string, string, string]
  const rows = [
    [{ alg: 'ES256', kid: null }, 'must have "kid": a string or absent; found: null'],
    [{ alg: null }, 'must have "alg": a string; found: null'],
    [{ alg: ['ES256'] }, 'must have "alg": a string; found: array'],
    [{ kid: 'a' }, 'must have "alg": a string; found: absent'],
    [{ alg: 'ES256', typ: 1 }, 'must have "typ": a string or absent; found: number'],
    [{ alg: 'ES256', crit: ['exp'] }, 'neither "crit" nor "b64"'],
  ] as const
  for (const [header, expected] of rows) {
    await advises(t, 'token', expected, `${base64url(header)}.${payload}.${signature}`)
  }
})

t.test('names the type of a malformed claim, including null', async (t) => {
  const rows = [
    [{ exp: null }, '"exp" is null, and must be a finite number: have the issuer write it'],
    [{ exp: `${now + 60}` }, '"exp" is a string, and must be a finite number'],
    [{ nbf: null }, 'omit a claim without a value'],
    [{ iat: [] }, '"iat" is an array'],
    [{ sub: 7 }, 'write it as a JSON string'],
    [{ sub: {} }, '"sub" is an object, and must be a string'],
    [{ sub: true }, '"sub" is a boolean'],
    [
      { sid: 7 },
      '"sid" is a number, and must be a string: have the issuer write it as a JSON string',
    ],
    [
      { act: 'a' },
      '"act" is a string, and must be objects with "sub" or "client_id": have the issuer correct',
    ],
  ] as const
  for (const [overrides, expected] of rows) {
    const { advice } = await explain(await token(overrides))
    t.match(advice.claims, expected)
  }
  t.match((await explain(await token({ exp: undefined }))).advice.claims, 'requires "exp"')
  t.strictSame([null, [], {}, 1, ''].map(jsonTypeName), [
    'null',
    'an array',
    'an object',
    'a number',
    'a string',
  ])
})

t.test('names keys without "kid", with a numeric "kid", and unusable keys', async (t) => {
  const { kid: _kid, ...nameless } = key.publicJwk
  publish([nameless, { ...nameless, kid: 'other' }])
  const unnamed = '1 of the 2 published keys have no "kid"'
  await advises(t, 'key', unnamed, await token())

  publish([
    { ...nameless, kid: 7 },
    { ...nameless, kid: 'x' },
  ])
  const number = 'but its "kid" is a number and must be a string'
  await advises(t, 'key', number, await token({}, { kid: '7' }))

  publish([
    { ...key.publicJwk, use: 'enc' },
    { ...nameless, kid: 'x' },
  ])
  await advises(t, 'key', 'has the key that the token names, but it cannot verify', await token())

  const { found } = await explain(await token())
  t.match(found.key, 'a key with this "kid" that cannot be used: it ', 'the reason is present')
  t.match(found.key, 'enc')

  publish([{ ...nameless, kid: 'x' }])
  await advises(t, 'key', 'does not publish the key', await token())

  const rsa = await makeKey('RS256')
  publish([rsa.publicJwk])
  await advises(t, 'key', 'has no "kid"', await token({}, { kid: undefined }))
  const other = await makeKey('ES256')
  publish([other.publicJwk])
  const unsigned =
    'The token has no "kid", and no key of the issuer that fits its algorithm verifies it'
  await advises(t, 'signature', unsigned, await token({}, { kid: undefined }))
})

t.test('explains a key set without usable keys', async (t) => {
  publish([{ ...key.publicJwk, use: 'enc' }])
  await advises(t, 'key', 'none of its keys can verify a signature', await token())
  publish(Array.from({ length: 101 }, (_, i) => ({ ...key.publicJwk, kid: `${i}` })))
  await advises(t, 'key', /publishes 101 keys.*raise "jwks.maxKeys"/, await token())
  publish([])
  await advises(t, 'key', 'The key set is empty', await token())
  publish('none')
  await advises(t, 'key', 'is reachable from this machine', await token())
  respond = (_request, response) => response.end('no JSON')
  await advises(t, 'key', 'is reachable from this machine', await token())
})

t.test('names the target of a redirect, without its query', async (t) => {
  const to = (location: string) => {
    respond = (_request, response) => response.writeHead(301, { location }).end()
  }
  to('https://login.example/realms/a?secret=hunter2')
  const expected = `${issuer}/.well-known/openid-configuration redirects to https://login.example/realms/a, and redirects`
  await advises(t, 'key', expected, await token())
  const { stdout } = await explain(await token(), ['--jwks-uri', `${issuer}/keys?api_key=hunter2`])
  t.match(stdout, `${issuer}/keys redirects to https://login.example/realms/a,`)
  t.notMatch(
    JSON.parse(stdout).steps.find(({ name }: { name: string }) => name === 'key').advice,
    'hunter2',
  )
  to('/elsewhere')
  await advises(t, 'key', `redirects to ${issuer}/elsewhere`, await token())
  to('http://')
  await advises(t, 'key', 'redirects to an invalid URL', await token())
  respond = (_request, response) => response.writeHead(302).end()
  await advises(t, 'key', 'is reachable from this machine', await token())
})

t.test('names the cause of a failed connection', async (t) => {
  const rows = [
    ['http://127.0.0.1:1', 'The connection failed: bad port'],
    ['http://127.0.0.1:2', 'The connection failed: ECONNREFUSED, connect ECONNREFUSED 127.0.0.1:2'],
    ['https://issuer.invalid', /(ENOTFOUND|EAI_AGAIN).*The host name cannot be resolved/],
  ] as const
  for (const [url, expected] of rows) {
    const args = ['explain', '--issuer', url, '--audience', AUDIENCE]
    const { code, stdout } = await runHere(args, { input: await sign(key, { iss: url }) })
    t.equal(code, 3)
    t.match(stdout, expected)
  }
  const failing = (error: unknown) =>
    t.intercept(globalThis, 'fetch', { value: () => Promise.reject(error) })
  const cause = Object.assign(new Error('self-signed certificate'), {
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  })
  failing(new TypeError('fetch failed', { cause }))
  await advises(t, 'key', /SELF_SIGNED_CERT, self-signed.*NODE_EXTRA_CA_CERTS/, await token())
  failing(Object.assign(new Error(''), { code: 'ECONNRESET' }))
  await advises(t, 'key', 'The connection failed: ECONNRESET.', await token())
  failing(new TypeError('nothing known'))
  t.notMatch((await explain(await token())).advice.key, 'The connection failed')
})

t.test('recognizes a scope with commas', async (t) => {
  const args = ['--scope', 'orders:read']
  const expected = 'The scope of the token is delimited by commas'
  await advises(t, 'scope', expected, await token({ scope: 'orders:read,profile' }), args)
  await advises(t, 'scope', expected, await token({ scope: 'openid orders:read,profile' }), args)
  const commas = ['--scope', 'orders:read,profile']
  await advises(t, 'scope', 'The required scope contains a comma', await token(), commas)
})

t.test('names the difference between audiences that are spelled differently', async (t) => {
  const differs = async (aud: unknown, audience: string, by: string | RegExp) => {
    const args = ['explain', '--issuer', issuer, '--audience', 'another', '--audience', audience]
    const { stdout, code } = await runHere(args, { input: await token({ aud }) })
    t.equal(code, 1)
    t.match(stdout, by)
  }
  const url = 'https://api.example/orders'
  await differs(`${url}/`, url, 'differ only in the trailing slash')
  await differs(url, `${url}/`, 'differ only in the trailing slash')
  await differs(['x', 'HTTPS://API.example/orders'], url, 'differ only in upper and lower case')
  await differs('http://api.example/orders', url, 'differ only in the scheme before "://"')
  await differs('api.example/orders', url, 'differ only in the scheme before "://"')
  await differs('api://default', 'default', 'differ only in the scheme before "://"')
  await differs(` ${url}`, url, 'differ only in surrounding whitespace')
  await differs(
    'http://API.example/orders/',
    url,
    /differ only in upper.* and the scheme.* and the trailing/,
  )
  await differs(`x ${url}`, url, 'in one string with others')
  await differs(`x,${url}`, url, 'Have the issuer write several audiences as an array')
  await differs([7, url], url, '"aud" must be a string or an array of strings')
  await differs(null, url, '"aud" must be a string or an array of strings')
  await differs(undefined, url, 'The token has no "aud", so it is not for a particular API')
  await differs('https://other.example', url, 'Request a token for this API')
  t.equal(spellingDifference('a', 'a'), undefined)
  t.equal(spellingDifference('HTTPS://a', 'https://a'), 'upper and lower case')
  t.equal(
    spellingDifference('HTTPS://A/', 'http://a'),
    'upper and lower case and the scheme before "://" and the trailing slash',
  )
  t.equal(spellingDifference('a', 'b'), undefined)
})

t.test('names the difference between issuers that are spelled differently', async (t) => {
  const differs = async (iss: string, by: string) => {
    const args = ['explain', '--issuer', 'https://login.example/a', '--audience', AUDIENCE]
    const { stdout } = await runHere(args, { input: await sign(key, { iss }) })
    t.match(stdout, `The issuer identifiers differ only in ${by}. Set the API's "issuer" to`)
  }
  await differs('https://login.example/a/', 'the trailing slash')
  await differs('https://login.example/A', 'upper and lower case')
  await differs('http://login.example/a', 'the scheme before "://"')
})

t.test('names both issuers if they are unrelated, also if they are not URLs', async (t) => {
  for (const trusted of ['https://login.example', 'acme.com']) {
    const keys = ['--jwks-uri', `${issuer}/keys`]
    const args = ['explain', '--issuer', trusted, '--audience', AUDIENCE, ...keys]
    const { stdout } = await runHere(args, { input: await sign(key, { iss: 'other.example' }) })
    t.match(stdout, `Get a token from ${trusted}; or, if you trust the issuer of this token`)
    t.match(stdout, `set the API's "issuer" to it, exactly: other.example`)
  }
})

t.test('recognizes times in milliseconds', async (t) => {
  const ms = now * 1000
  const expected = (names: string) =>
    `These times seem to be in milliseconds: ${names}. Times in a JWT are in seconds`
  await advises(t, 'issued-at', expected('"iat"'), await token({ iat: ms }))
  await advises(
    t,
    'issued-at',
    expected('"exp" and "iat"'),
    await token({ iat: ms, exp: ms + 60_000 }),
  )
  await advises(t, 'not-before', expected('"nbf"'), await token({ nbf: ms }))
  const forever = await explain(await token({ exp: ms }))
  t.equal(forever.code, 0)
  t.match(
    forever.found.expiry,
    '"exp" seems to be in milliseconds, so that this token never expires',
  )
})
