import { once } from 'node:events'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import t from 'tap'
import {
  createAuthorizationServer,
  PasswordGrantError,
  type PasswordGrantOptions,
  passwordGrant,
} from '../../src/testing/index.js'
import { cannedServer, respondWith } from './fixtures/canned-server.js'

const credentials = {
  clientId: 'client',
  clientSecret: 'S3cret+/ü "x"',
  username: 'Jane.Doe@example.com',
  password: 'pä ss%w0rd"\t!',
}
const token = { access_token: 'opaque', token_type: 'Bearer' }

async function failure(options: Partial<PasswordGrantOptions>): Promise<PasswordGrantError> {
  try {
    await passwordGrant({ ...credentials, ...options })
  } catch (error) {
    if (error instanceof PasswordGrantError) return error
    throw error
  }
  throw new Error('the grant should have failed')
}

function shown(error: Error): string {
  const all = [error.message, error.stack, String(error), JSON.stringify(error)]
  const deep = { depth: Infinity, showHidden: true }
  return [...all, inspect(error, deep), inspect(error.cause, deep)].join('\n')
}

const hints: [status: number, error: string, hint: RegExp][] = [
  [400, 'invalid_grant', /password.*MFA.*sign-on policy.*not retried/],
  [429, 'invalid_grant', /rate limit.*one token for a whole test run/],
  [401, 'invalid_client', /clientId, clientSecret.*client_secret_basic_raw/],
  [401, 'access_denied', /access policy rule.*not assigned to the application/],
  [400, 'access_denied', /access policy rule.*not assigned to the application/],
  [400, 'unauthorized_client', /not enabled for this client/],
  [400, 'unsupported_grant_type', /does not offer the password grant/],
  [400, 'invalid_scope', /scope is unknown/],
  [400, 'invalid_request', /parameter is missing/],
  [400, 'consent_required', /consent of the user/],
  [403, 'mfa_required', /second factor/],
  [400, 'interaction_required', /second factor/],
  [400, 'use_dpop_nonce', /DPoP-bound.*set "dpop"/],
  [400, 'invalid_dpop_proof', /DPoP-bound/],
  [503, 'temporarily_unavailable', /overloaded/],
  [500, 'server_error', /see its log/],
  [400, 'toString', /documentation/],
  [502, 'strange_error', /a proxy in front of it, failed/],
]

for (const [status, error, hint] of hints) {
  t.test(`G3: names the fix for ${error} with status ${status}`, async (t) => {
    const body = { error, error_description: 'See the log.' }
    const { tokenEndpoint, seen } = await cannedServer(t, respondWith(status, body))
    const caught = await failure({ tokenEndpoint })
    t.match(caught, { name: 'PasswordGrantError', error, status, errorDescription: 'See the log.' })
    t.match(caught.hint, hint)
    t.match(caught.message, hint)
    t.match(caught.message, `${error}: ${tokenEndpoint} rejected the request (HTTP ${status})`)
    t.match(caught.message, 'Server message: "See the log."')
    t.equal(seen.length, 1, 'is not tried again')
  })
}

t.test('G3: reads the error code also beside a WWW-Authenticate challenge', async (t) => {
  const headers = { 'www-authenticate': 'Basic realm="x"' }
  const listener = respondWith(401, { error: 'invalid_client', error_description: '' }, headers)
  const { tokenEndpoint } = await cannedServer(t, listener)
  const caught = await failure({ tokenEndpoint })
  t.match(caught, { error: 'invalid_client', status: 401 })
  t.notOk('errorDescription' in caught)
})

t.test('explains the errors of a real authorization server', async (t) => {
  const clients = [
    { clientId: 'client', clientSecret: credentials.clientSecret },
    { clientId: 'machine', grantTypes: ['client_credentials'] as const },
  ]
  const users = [{ username: credentials.username, password: credentials.password }]
  await using server = await createAuthorizationServer({ algorithm: 'ES256', clients, users })
  const { issuer } = server
  t.match(await failure({ issuer, password: 'wrong' }), { error: 'invalid_grant', status: 400 })
  t.match(await failure({ issuer, username: 'unknown-user' }), { error: 'invalid_grant' })
  t.match(await failure({ issuer, clientSecret: 'wrong' }), {
    error: 'invalid_client',
    status: 401,
  })
  t.match(await failure({ issuer, scope: 'admin' }), { error: 'invalid_scope', status: 400 })
  t.match(await failure({ issuer, clientId: 'machine', clientSecret: undefined }), {
    error: 'unauthorized_client',
  })
})

const unusable: [what: string, status: number, type: string, body: string, found: RegExp][] = [
  [
    'an HTML page',
    200,
    'text/html',
    '<!DOCTYPE html><p>Sign in',
    /an HTML page \(content type: text\/html\).*URL is probably wrong/,
  ],
  ['an HTML page with an error status', 404, 'text/html', '\n<html>', /HTTP 404: an HTML page/],
  [
    'an empty body',
    200,
    'application/json',
    '',
    /an empty body \(content type: application\/json\)/,
  ],
  ['an empty error', 404, 'text/plain', ' ', /HTTP 404: an empty body/],
  ['no JSON', 200, 'text/plain', 'hello', /not a JSON object \(content type: text\/plain\)/],
  ['broken JSON', 200, 'application/json', '{"access_', /not a JSON object/],
  ['a JSON array', 200, 'application/json', '[]', /not a JSON object/],
  ['JSON null', 200, 'application/json', 'null', /not a JSON object/],
  ['JSON without an error', 400, 'application/json', '{}', /HTTP 400: JSON that has no "error"/],
  ['an error that is empty', 400, 'application/json', '{"error":""}', /has no "error"/],
  ['an error that is no string', 400, 'application/json', '{"error":{}}', /has no "error"/],
  [
    'no access_token',
    200,
    'application/json',
    '{"token_type":"Bearer"}',
    /cannot be used.*"access_token".*violates the protocol/,
  ],
  [
    'an unknown token_type',
    200,
    'application/json',
    '{"access_token":"a","token_type":"mac"}',
    /cannot be used.*token_type/,
  ],
  [
    'an id_token that is no string',
    200,
    'application/json',
    '{"access_token":"a","token_type":"Bearer","id_token":5}',
    /cannot be used.*id_token/,
  ],
  ['a gateway error', 502, 'text/html', '<html>', /HTTP 502: an HTML page.*try later/],
]

for (const [what, status, type, body, found] of unusable) {
  t.test(`G3: describes a response with ${what}`, async (t) => {
    const listener = respondWith(status, body, { 'content-type': type })
    const { tokenEndpoint } = await cannedServer(t, listener)
    const caught = await failure({ tokenEndpoint })
    t.match(caught, { error: 'invalid_response', status })
    t.match(caught.message, found)
    t.notOk('cause' in caught)
  })
}

t.test('G3: reports a missing content type as "none"', async (t) => {
  const { tokenEndpoint } = await cannedServer(t, (_request, response) => response.end())
  t.match((await failure({ tokenEndpoint })).message, 'content type: none')
  const fetch = async () => new Response(null, { status: 204 })
  const caught = await failure({ tokenEndpoint, fetch })
  t.match(caught.message, 'HTTP 204: an empty body (content type: none)')
})

t.test("shows Okta's error summary, and recognizes its rate limit", async (t) => {
  const body = { errorCode: 'E0000047', errorSummary: 'API call exceeded rate limit.' }
  const { tokenEndpoint } = await cannedServer(t, respondWith(429, body))
  const caught = await failure({ tokenEndpoint })
  t.match(caught, {
    error: 'invalid_response',
    status: 429,
    errorDescription: 'API call exceeded rate limit.',
    hint: /rate limit/,
  })
})

t.test('follows no redirect of the token endpoint or the metadata', async (t) => {
  const location = 'https://else.example/login'
  const { url, tokenEndpoint, seen } = await cannedServer(t, respondWith(302, 'x', { location }))
  for (const options of [{ tokenEndpoint }, { issuer: url }]) {
    const caught = await failure(options)
    t.match(caught, { error: 'invalid_response', status: 302, hint: /Redirects are not followed/ })
  }
  t.equal(seen.length, 2)
  const fetch = async () => new Response(null, { status: 307 })
  t.match(await failure({ tokenEndpoint, fetch }), { status: 307 })
})

t.test('reads at most 1 MiB', async (t) => {
  const { tokenEndpoint } = await cannedServer(t, respondWith(200, 'x'.repeat(1024 * 1024 + 1)))
  const caught = await failure({ tokenEndpoint })
  t.match(caught, { error: 'invalid_response', status: 200, message: /more than 1048576 bytes/ })
})

t.test('reports missing metadata, with the form of an Okta issuer', async (t) => {
  const { url, seen } = await cannedServer(t, respondWith(404, ''))
  const caught = await failure({ issuer: `${url}/oauth2/nope` })
  t.match(caught, {
    error: 'invalid_response',
    status: 404,
    hint: /oauth2\/\{authorization server/,
  })
  t.match(caught.message, `${url}/oauth2/nope`)
  t.equal(seen.length, 2)
})

t.test('reports unusable metadata', async (t) => {
  const cases: [body: unknown, status: number, message: RegExp][] = [
    ['<html>', 200, /an HTML page/],
    [
      { issuer: 'https://else.example' },
      200,
      /names the issuer "https:\/\/else\.example", and not "http:.*"\. Set the issuer to the/,
    ],
    [{ issuer: 'no url' }, 200, /names the issuer "no url", and not/],
    [{ issuer: 7 }, 200, /cannot be used/],
    ['', 503, /HTTP 503: an empty body.*try later/],
    [{ errorSummary: 'Too many' }, 429, /HTTP 429.*Too many.*rate limit/],
  ]
  for (const [body, status, message] of cases) {
    const { url } = await cannedServer(t, respondWith(status, body))
    const caught = await failure({ issuer: url })
    t.match(caught, { error: 'invalid_response', status })
    t.match(caught.message, message)
  }
})

t.test('sends no password to an endpoint without https, regardless of the metadata', async (t) => {
  const endpoints = [undefined, 5, '/v1/token', 'http://192.0.2.1/token', 'ftp://127.0.0.1/token']
  for (const token_endpoint of endpoints) {
    const { url } = await cannedServer(t, (request, response) => {
      const issuer = `http://${request.headers.host}`
      respondWith(200, { issuer, token_endpoint })(request, response)
    })
    const caught = await failure({ issuer: url })
    t.match(caught, { error: 'invalid_response', message: /no usable token endpoint/ })
  }
})

t.test('uses the https endpoint of the metadata', async (t) => {
  const { url } = await cannedServer(t, (request, response) => {
    const issuer = `http://${request.headers.host}`
    respondWith(200, { issuer, token_endpoint: 'https://login.example/token' })(request, response)
  })
  const caught = await failure({
    issuer: url,
    fetch: async (input, init) => {
      if (!String(input).startsWith('https:')) return fetch(input, init)
      return Response.json({ error: 'invalid_grant' }, { status: 400 })
    },
  })
  t.match(caught.message, 'https://login.example/token rejected')
})

t.test('reports a refused connection', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  const caught = await failure({ issuer: `http://127.0.0.1:${port}/oauth2/default` })
  t.match(caught, { error: 'unreachable', hint: /host name and the port/ })
  t.notOk('status' in caught)
  t.match(inspect(caught), /ECONNREFUSED/)
})

t.test('reports a connection that closes during the response', async (t) => {
  const { tokenEndpoint } = await cannedServer(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{', () => response.destroy())
  })
  t.match(await failure({ tokenEndpoint }), {
    error: 'unreachable',
    message: /closed the connection/,
  })
})

t.test('times out if the server hangs', async (t) => {
  const { url, tokenEndpoint } = await cannedServer(t, () => {})
  for (const options of [{ tokenEndpoint }, { issuer: url }]) {
    const caught = await failure({ ...options, timeout: 50 })
    t.match(caught, { error: 'timeout', message: /no complete response within 50 ms/ })
  }
})

t.test('applies the timeout to the body', async (t) => {
  const { tokenEndpoint } = await cannedServer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{')
  })
  t.match(await failure({ tokenEndpoint, timeout: 50 }), { error: 'timeout' })
})

t.test('times out if a custom fetch ignores its signal', async (t) => {
  const fetch = () => new Promise<Response>(() => {})
  const tokenEndpoint = 'https://example.com/token'
  t.match(await failure({ tokenEndpoint, timeout: 20, fetch }), { error: 'timeout' })
})

t.test('rejects with the reason of the signal when the caller aborts', async (t) => {
  const { tokenEndpoint, seen } = await cannedServer(t, () => controller.abort(reason))
  const controller = new AbortController()
  const reason = new Error('enough')
  const { signal } = controller
  await t.rejects(passwordGrant({ ...credentials, tokenEndpoint, signal }), reason)
  await t.rejects(passwordGrant({ ...credentials, tokenEndpoint, signal }), reason)
  t.equal(seen.length, 1, 'an aborted signal sends nothing')
})

const spellings = [
  credentials.password,
  credentials.clientSecret,
  credentials.username,
  credentials.username.toUpperCase(),
  encodeURIComponent(credentials.password),
  new URLSearchParams({ p: credentials.password }).toString().slice(2),
  JSON.stringify(credentials.clientSecret).slice(1, -1),
  Buffer.from(credentials.clientSecret).toString('base64'),
  Buffer.from(`client:${credentials.clientSecret}`).toString('base64'),
  'Jane.\u0000Doe\u200b@example.com',
  'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.c2ln',
]
const traces = [
  ...spellings,
  credentials.password.replace('\t', ''),
  'S3cret',
  'w0rd',
  'Jane',
  'eyJ',
  'c2ln',
]

t.test('shows no credential that the server echoes, in any encoding', async (t) => {
  const echo = `Bad: ${spellings.join(' | ')} end`
  const responses: [number, unknown][] = [
    [400, { error: 'invalid_grant', error_description: echo }],
    [400, { error: echo, error_description: 5 }],
    [400, { errorSummary: echo }],
    [200, `<html>${echo}`],
    [200, { ...token, token_type: echo }],
  ]
  for (const [status, body] of responses) {
    const { tokenEndpoint } = await cannedServer(t, respondWith(status, body))
    const caught = await failure({ tokenEndpoint })
    for (const trace of traces) t.notOk(shown(caught).includes(trace), `${status}: ${trace}`)
  }
})

t.test(
  'shows the rest of the server message, truncated and without control characters',
  async (t) => {
    const error_description = `No\r\n\u001b[31m user ${credentials.username} here.\u202e ${'x'.repeat(400)}`
    const { tokenEndpoint } = await cannedServer(
      t,
      respondWith(400, { error: 'e', error_description }),
    )
    const { errorDescription } = await failure({ tokenEndpoint })
    t.equal(errorDescription?.length, 300)
    t.match(errorDescription, /^No\[31m user \[redacted\] here\. x+…$/)
  },
)

t.test('keeps a known error code even if the username is part of it', async (t) => {
  const body = { error: 'invalid_grant', error_description: 'invalid' }
  const { tokenEndpoint } = await cannedServer(t, respondWith(400, body))
  t.match(await failure({ tokenEndpoint, username: 'invalid', password: '\u0000' }), {
    error: 'invalid_grant',
    errorDescription: '[redacted]',
  })
})

t.test('shows no credential from the error of a custom fetch', async (t) => {
  const tokenEndpoint = 'https://example.com/token'
  const root = Object.assign(new Error(credentials.password), { code: credentials.username })
  let error = root
  for (let depth = 0; depth < 5; depth += 1) {
    error = Object.assign(new Error(credentials.clientSecret, { cause: error }), {
      code: 'ECUSTOM',
      config: { data: credentials },
    })
  }
  const thrown = [error, root, credentials.password, Object.assign(new Error('x'), { code: 5 })]
  for (const reason of thrown) {
    const caught = await failure({ tokenEndpoint, fetch: () => Promise.reject(reason) })
    t.equal(caught.error, 'unreachable')
    for (const trace of traces) t.notOk(shown(caught).includes(trace), trace)
  }
  const caught = await failure({ tokenEndpoint, fetch: () => Promise.reject(error) })
  t.match(caught.cause, { message: 'Error: [redacted]', code: 'ECUSTOM' })
})

t.test('shows neither the query of a URL nor credentials in its path', async (t) => {
  const { url } = await cannedServer(t, respondWith(400, { error: 'invalid_request' }))
  const path = encodeURIComponent(credentials.username)
  const caught = await failure({ tokenEndpoint: `${url}/${path}/token?key=abc` })
  t.match(caught.message, `${url}/[redacted]/token rejected`)
  t.notMatch(shown(caught), /key=abc/)
})

t.test('redacts the longest description in linear time', async (t) => {
  // Each starts like a JWT, but is not one.
  const beginnings = 'eyJ'.repeat(340_000)
  const body = { error: 'invalid_grant', error_description: beginnings }
  const { tokenEndpoint } = await cannedServer(t, respondWith(400, body))
  const { errorDescription } = await failure({ tokenEndpoint })
  t.match(errorDescription, /^(?:eyJ){99}ey…$/)
})

t.test('redacts a JWT anywhere in the text', async (t) => {
  const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIn0.c2ln'
  const table = {
    [jwt]: '[redacted]',
    [`token=${jwt}, twice: eyJ ${jwt}.`]: 'token=[redacted], twice: eyJ [redacted]',
    [`x${jwt}`]: 'x[redacted]',
    [`a.${jwt}`]: 'a.[redacted]',
    [`eyJ.. ${jwt.split('.').slice(0, 2).join('.')}`]: 'eyJ.. [redacted]',
    'eyJ at the end of eyJ.': 'eyJ at the end of eyJ.',
  }
  for (const [text, expected] of Object.entries(table)) {
    const body = { error: 'invalid_grant', error_description: text }
    const { tokenEndpoint } = await cannedServer(t, respondWith(400, body))
    t.equal((await failure({ tokenEndpoint })).errorDescription, expected)
  }
})

t.test('sends nothing to a plain-text loopback service for a remote issuer', async (t) => {
  const { url, seen } = await cannedServer(t, respondWith(200, token))
  const issuer = 'https://issuer.example'
  const metadata = { issuer, token_endpoint: `${url}/admin` }
  const recordingFetch = (input: unknown, init?: RequestInit) =>
    `${input}`.startsWith(issuer)
      ? Promise.resolve(Response.json(metadata))
      : fetch(input as string, init)
  const error = await failure({ issuer, fetch: recordingFetch as typeof fetch })
  t.match(error, { error: 'invalid_response', message: /no usable token endpoint/ })
  t.same(seen, [])
})
