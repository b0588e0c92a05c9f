/** `stream` manages streams at the embedded transmitter and at faulty ones, and shows no secret. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { createResourceServer } from '../../src/index.js'
import { createAuthorizationServer, testClient } from '../../src/testing/index.js'
import { runBuilt, runHere } from './fixtures/run.js'

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/'
const REVOKING = [
  `${CAEP}session-revoked`,
  `${CAEP}token-claims-change`,
  `${CAEP}assurance-level-change`,
  `${CAEP}credential-change`,
  `${RISC}account-disabled`,
  `${RISC}account-purged`,
  `${RISC}sessions-revoked`,
]

const PUSH_SECRET = 'Bearer hunter2-push'
const server = await createAuthorizationServer()
t.teardown(() => server.close())
const { issuer } = server
const accessToken = await server.issueToken({}, { subject: 'client' })
const env = { FRS_ACCESS_TOKEN: accessToken, FRS_PUSH_AUTHORIZATION: PUSH_SECRET }

const stream = (action: string, ...args: string[]) => [
  'stream',
  action,
  '--issuer',
  issuer,
  ...args,
]

async function listen(
  t: Test,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const listener = createServer(handle)
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.teardown(() => {
    listener.closeAllConnections()
    listener.close()
  })
  return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
}

/** Returns the option that the command printed, as the application would evaluate it. */
function pasted(stdout: string, environment: Record<string, string>) {
  const [, source] = /\n( {2}securityEvents: \{\n[\s\S]*?\n {2}\},)\n/.exec(stdout) ?? []
  return new Function('process', `return {${source}}`)({ env: environment }).securityEvents
}

t.test('creates, tests, shows and deletes a push stream', async (t) => {
  const pushed: { authorization: string | undefined; type: string | undefined }[] = []
  const api = await listen(t, (request, response) => {
    const { authorization, 'content-type': type } = request.headers
    pushed.push({ authorization, type })
    response.writeHead(202).end()
  })
  const created = await runBuilt(stream('create', '--push', `${api}/hooks/events`), { env })
  t.strictSame([created.code, created.stderr], [0, ''])
  t.match(created.stdout, /^\nstream created {2}[\da-f-]{36}\n/)
  t.match(created.stdout, 'events  session-revoked, credential-change, token-claims-change')
  t.notMatch(created.stdout, 'not delivered')
  t.strictSame(pasted(created.stdout, env), {
    issuer,
    audience: testClient.clientId,
    push: { path: '/hooks/events', authorization: PUSH_SECRET },
  })
  t.strictSame(pasted(created.stdout, {}).push.authorization, 'undefined')
  const [, id = ''] = /stream created {2}(\S+)/.exec(created.stdout) ?? []
  const [, hint = ''] =
    /npx fastify-resource-server (stream verify .+)\n/.exec(created.stdout) ?? []
  t.strictSame(hint.split(' '), stream('verify', '--stream-id', id))

  const verified = await runHere(hint.split(' '), { env })
  t.match(verified, { code: 0, stdout: /^verification event requested\n/, stderr: '' })
  await t.resolves(until(() => pushed.length > 0))
  t.strictSame(pushed, [{ authorization: PUSH_SECRET, type: 'application/secevent+jwt' }])

  const list = await runHere(stream('list'), { env })
  t.strictSame(list, {
    code: 0,
    stdout: `${id}
  delivery     urn:ietf:rfc:8935
  endpoint     ${api}/hooks/events
  audience     ${testClient.clientId}
  events       session-revoked, credential-change, token-claims-change, assurance-level-change, account-disabled, account-purged, sessions-revoked
`,
    stderr: '',
  })
  const status = await runHere(stream('status', '--stream-id', id), { env })
  t.strictSame(status, { code: 0, stdout: 'enabled\n', stderr: '' })

  const deleted = await runHere(stream('delete', '--stream-id', id), { env })
  t.strictSame(deleted, { code: 0, stdout: 'deleted\n', stderr: '' })
  t.match(await runHere(stream('list'), { env }), { code: 0, stdout: 'no streams\n' })
  for (const action of ['status', 'verify', 'delete']) {
    const { code, stdout, stderr } = await runHere(stream(action, '--stream-id', id), { env })
    t.strictSame([code, stdout], [1, ''])
    t.match(stderr, /responded with 404: There is no such stream\.\nRun stream list for the IDs/)
  }
})

t.test('the printed option polls a new stream', async (t) => {
  const { code, stdout } = await runHere(stream('create', '--poll'), { env })
  t.equal(code, 0)
  const securityEvents = pasted(stdout, env)
  t.match(securityEvents, { issuer, poll: { url: String, authorization: `Bearer ${accessToken}` } })
  const audience = 'api://default'
  const api = await createResourceServer({ issuer, audience, securityEvents })
  t.teardown(() => api.close())
  await server.sendSecurityEvent({ event: 'account-disabled' })
  await t.resolves(until(() => api.securityEventStatus()[0]?.revoked === 1))
})

t.test('requests the given events, and names those that are not delivered', async (t) => {
  const args = [
    ...['--event', 'session-revoked', '--event', 'https://example.com/events/other'],
    ...['--event', `${CAEP}session-revoked`, '--description', 'orders'],
  ]
  const asJson = await runHere(stream('create', '--poll', '--json', ...args), { env })
  t.equal(asJson.code, 0)
  const configuration = JSON.parse(asJson.stdout)
  t.match(configuration, {
    stream_id: String,
    iss: issuer,
    aud: testClient.clientId,
    delivery: { method: 'urn:ietf:rfc:8936' },
    events_requested: [`${CAEP}session-revoked`, 'https://example.com/events/other'],
    events_delivered: [`${CAEP}session-revoked`],
    description: 'orders',
  })
  const { stdout } = await runHere(stream('create', '--poll', ...args), { env, color: true })
  t.match(stdout, '  events  session-revoked\n')
  t.match(stdout, 'not delivered\x1b[0m  https://example.com/events/other\n')
  const list = await runHere(stream('list', '--json'), { env })
  t.match(
    JSON.parse(list.stdout).find(
      (one: { stream_id: string }) => one.stream_id === configuration.stream_id,
    ),
    configuration,
  )
  const id = ['--stream-id', configuration.stream_id]
  for (const [action, expected] of [
    ['status', { stream_id: configuration.stream_id, status: 'enabled' }],
    ['verify', { stream_id: configuration.stream_id, requested: true }],
    ['delete', { stream_id: configuration.stream_id, deleted: true }],
  ] as const) {
    const { code, stdout } = await runHere(stream(action, ...id, '--json'), { env })
    t.equal(code, 0)
    t.strictSame(JSON.parse(stdout), expected)
  }
})

t.test('rejects invalid arguments before it sends a request', async (t) => {
  const push = ['--push', 'https://api.example/events']
  const cases: readonly (readonly [readonly string[], string, Record<string, string>?])[] = [
    [['stream'], 'stream needs an action: create, list, status, verify, delete'],
    [['stream', 'hunter2'], 'stream needs an action: create, list, status, verify, delete'],
    [['stream', 'constructor'], 'stream needs an action'],
    [['stream', 'list', 'hunter2'], 'too many arguments: stream takes only one argument'],
    [['stream', 'list'], '--issuer is required'],
    [['stream', 'list', '--issuer', 'http://login.example'], '--issuer must be the identifier of'],
    [
      ['stream', 'list', '--issuer', 'https://login.example?a'],
      '--issuer must be the identifier of',
    ],
    [stream('create'), 'stream create needs either --push URL or --poll'],
    [stream('create', '--poll', ...push), 'stream create needs either --push URL or --poll'],
    [stream('create', '--push', 'http://api.example/e'), '--push must be an https URL'],
    [stream('create', '--push', 'https://api.example/e?hunter2'), '--push must be an https URL'],
    [stream('create', '--push', 'https://a:hunter2@api.example/'), '--push must be an https URL'],
    [stream('create', '--poll', '--event', 'sesion-revoked'), 'Did you mean session-revoked?'],
    [stream('create', '--poll', '--event', 'other'), 'or the URI of another event.\n'],
    [stream('create', '--poll', '--push-authorization-stdin'), 'needs --push'],
    [stream('create', '--poll', '--no-push-authorization'), '--no-push-authorization needs --push'],
    [
      stream('create', ...push, '--push-authorization-stdin', '--access-token-stdin'),
      'are mutually exclusive: standard input holds one secret',
    ],
    [
      stream('create', '--poll', '--stream-id', 'a'),
      'is for stream status, verify, delete, not for',
    ],
    [stream('list', '--event', 'a'), '--event is for stream create, not for stream list'],
    [stream('status'), '--stream-id is required'],
    [stream('list', '--timeout', '1m'), '--timeout must be a duration'],
    [stream('list', '--access-token', 'hunter2'), 'Set FRS_ACCESS_TOKEN, pipe the secret in with'],
    [stream('create', '--push-authorization=hunter2'), 'Set FRS_PUSH_AUTHORIZATION, pipe'],
    [stream('list'), 'no access token for the transmitter: set FRS_ACCESS_TOKEN', {}],
    [stream('create', ...push), 'or add --no-push-authorization', { FRS_ACCESS_TOKEN: 'a' }],
    [
      stream('list'),
      'pass only the token, without "Bearer"',
      { FRS_ACCESS_TOKEN: 'Bearer hunter2' },
    ],
    [
      stream('create', ...push),
      'must be printable ASCII',
      { FRS_ACCESS_TOKEN: 'a', FRS_PUSH_AUTHORIZATION: 'hunter2\n' },
    ],
  ]
  for (const [args, message, environment = env] of cases) {
    const { code, stdout, stderr } = await runHere(args, { env: environment })
    t.strictSame([code, stdout], [2, ''], args.join(' '))
    t.match(stderr, message)
    t.notMatch(stderr, 'hunter2')
  }
})

t.test('reads secrets from standard input or a prompt', async (t) => {
  const push = ['--push', 'http://127.0.0.1:9/events']
  const piped = await runHere(stream('list', '--access-token-stdin'), { input: `${accessToken}\n` })
  t.equal(piped.code, 0)
  const header = await runHere(stream('create', ...push, '--push-authorization-stdin'), {
    env: { FRS_ACCESS_TOKEN: accessToken },
    input: `${PUSH_SECRET}\n`,
  })
  t.equal(header.code, 0)
  const typed = await runHere(stream('create', ...push), {
    typed: [`${accessToken}\r`, `${PUSH_SECRET}\r`],
  })
  t.equal(typed.code, 0)
  t.equal(
    typed.stderr,
    'Access token for the transmitter: \nAuthorization header of pushed events: \n',
  )
  const without = await runHere(stream('create', ...push, '--no-push-authorization'), { env })
  t.equal(without.code, 0)
  t.strictSame(pasted(without.stdout, env).push, { path: '/events' })
})

interface Faults {
  readonly metadata?: (response: ServerResponse, origin: string) => void
  readonly endpoint?: (response: ServerResponse, request: IncomingMessage, origin: string) => void
}

/** Starts a transmitter that has one endpoint for everything. */
async function faultyTransmitter(t: Test, { metadata, endpoint }: Faults): Promise<string> {
  const origin = await listen(t, (request, response) => {
    if (request.url?.startsWith('/.well-known/')) {
      if (metadata !== undefined) return metadata(response, origin)
      return respond(response, 200, {
        issuer: origin,
        configuration_endpoint: `${origin}/streams`,
        status_endpoint: `${origin}/status?tenant=1`,
        verification_endpoint: `${origin}/verify`,
      })
    }
    return endpoint?.(response, request, origin)
  })
  return origin
}

function respond(response: ServerResponse, status: number, body: unknown) {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

function flood(response: ServerResponse) {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('[')
  const chunk = ' '.repeat(1_000_000)
  const write = () => {
    if (!response.destroyed) response.write(chunk, write)
  }
  write()
}

t.test('a faulty transmitter ends the command with advice and without secrets', async (t) => {
  const created = (change: object) => (response: ServerResponse, _: IncomingMessage, iss: string) =>
    respond(response, 201, {
      stream_id: 's1',
      iss,
      aud: 'a',
      delivery: { method: 'urn:ietf:rfc:8936', endpoint_url: `${iss}/poll` },
      ...change,
    })
  const status = (code: number, body: unknown) => (response: ServerResponse) =>
    respond(response, code, body)
  const cases: readonly (readonly [string, Faults, number, RegExp, string[]?])[] = [
    [
      'metadata: hangs',
      { metadata: () => {} },
      3,
      /no complete response within 300 ms\nCheck --issuer/,
    ],
    ['metadata: 500', { metadata: status(500, {}) }, 3, /responded with 500\nCheck --issuer/],
    ['metadata: too large', { metadata: flood }, 3, /more than 65536 bytes/],
    [
      'metadata: redirect',
      { metadata: (response) => response.writeHead(302, { location: 'https://x.example/' }).end() },
      3,
      /a redirect to https:\/\/x\.example\/, which is not followed/,
    ],
    [
      'metadata: another issuer',
      { metadata: status(200, { issuer: 'https://other.example' }) },
      3,
      /names the issuer "https:\/\/other\.example", which is not identical to .*\nCheck --issuer/,
    ],
    ['metadata: HTML', { metadata: status(200, '<html>') }, 3, /did not respond with JSON\nCheck/],
    [
      'metadata: no endpoint',
      { metadata: (response, issuer) => respond(response, 200, { issuer }) },
      1,
      /has no "configuration_endpoint": use its administration instead/,
    ],
    [
      'metadata: endpoint over http',
      {
        metadata: (response, issuer) =>
          respond(response, 200, { issuer, configuration_endpoint: 'http://login.example/s' }),
      },
      3,
      /has a "configuration_endpoint" that is not an https URL/,
    ],
    [
      'metadata: only push',
      {
        metadata: (response, issuer) =>
          respond(response, 200, {
            issuer,
            configuration_endpoint: `${issuer}/streams`,
            delivery_methods_supported: ['urn:ietf:rfc:8935'],
          }),
      },
      1,
      /does not support polling: use --push URL/,
    ],
    [
      'hangs',
      { endpoint: () => {} },
      3,
      /within 300 ms\nThe stream may exist: check with stream list/,
    ],
    ['500', { endpoint: status(500, '') }, 3, /\/streams responded with 500\nThe stream may exist/],
    [
      '429',
      { endpoint: status(429, { error: 'slow down' }) },
      3,
      /responded with 429: slow down\n/,
    ],
    ['too large', { endpoint: flood }, 3, /more than 524288 bytes\nThe stream may exist/],
    [
      'redirect',
      { endpoint: (response) => response.writeHead(307, { location: '/elsewhere' }).end() },
      3,
      /responded with 307, a redirect, which is not followed\nThe stream may exist/,
    ],
    [
      'HTML',
      { endpoint: status(200, '<html>') },
      3,
      /did not respond with JSON\nThe stream may exist/,
    ],
    [
      'closes the connection',
      { endpoint: (response) => response.destroy() },
      3,
      /sent no complete response: [\w ]+\nThe stream may exist/,
    ],
    ['401', { endpoint: status(401, '') }, 1, /responded with 401\nGet a new access token/],
    ['403', { endpoint: status(403, []) }, 1, /responded with 403\nThe client or the scope/],
    [
      '409',
      { endpoint: status(409, {}) },
      1,
      /responded with 409\nThe transmitter allows one stream/,
    ],
    [
      '400',
      { endpoint: status(400, { errorSummary: 'no \u202esuch event' }) },
      1,
      /responded with 400: no such event\n$/,
    ],
    [
      'no body',
      { endpoint: status(201, '') },
      3,
      /created a stream, but responded without "stream_id"/,
    ],
    [
      'another issuer',
      { endpoint: created({ iss: 'https://other.example' }) },
      3,
      /created the stream "s1", but its tokens are those of another issuer, .*Delete the stream/,
    ],
    ['no audience', { endpoint: created({ aud: [] }) }, 3, /"s1", but responded without "aud"/],
    [
      'poll over http',
      { endpoint: created({ delivery: { endpoint_url: 'http://login.example/poll' } }) },
      3,
      /the "endpoint_url" to poll is missing or no https URL/,
    ],
    [
      'no poll URL',
      { endpoint: created({ delivery: 1 }) },
      3,
      /the "endpoint_url" to poll is missing/,
    ],
    ['list', { endpoint: status(200, [{}]) }, 3, /lists a stream without "stream_id"/, ['list']],
    [
      'status',
      { endpoint: status(200, { status: 1 }) },
      3,
      /the transmitter responded without "status"/,
      ['status', '--stream-id', 's1'],
    ],
    [
      'status: an array',
      { endpoint: status(200, []) },
      3,
      /the transmitter responded without "status"/,
      ['status', '--stream-id', 's1'],
    ],
    [
      'verify: 429',
      { endpoint: status(429, '') },
      3,
      /responded with 429\nTry again later/,
      ['verify', '--stream-id', 's1'],
    ],
    [
      'delete: 500',
      { endpoint: status(503, '') },
      3,
      /responded with 503\nThe stream may be deleted: check/,
      ['delete', '--stream-id', 's1'],
    ],
  ]
  for (const [name, faults, expected, message, args = ['create', '--poll']] of cases) {
    const origin = await faultyTransmitter(t, faults)
    const { code, stdout, stderr } = await runHere(
      [
        'stream',
        ...args,
        '--issuer',
        origin,
        '--timeout',
        name.endsWith('hangs') ? '300ms' : '10s',
      ],
      { env },
    )
    t.strictSame([code, stdout], [expected, ''], name)
    t.match(stderr, message, name)
    t.notMatch(stderr, /eyJ|hunter2/, name)
  }
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const unreachable = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`
  await new Promise((resolve) => closed.close(resolve))
  t.match(await runHere(['stream', 'list', '--issuer', unreachable], { env }), {
    code: 3,
    stderr: /no complete response: .*ECONNREFUSED.*\nCheck --issuer/,
  })
})

t.test('only push is supported', async (t) => {
  const origin = await faultyTransmitter(t, {
    metadata: (response, issuer) =>
      respond(response, 200, {
        issuer,
        configuration_endpoint: `${issuer}/streams`,
        delivery_methods_supported: ['urn:ietf:rfc:8936'],
      }),
  })
  const args = ['stream', 'create', '--issuer', origin, '--push', 'https://api.example/events']
  t.match(await runHere(args, { env }), { code: 1, stderr: 'does not support push: use --poll' })
})

t.test('sends what the specification requires', async (t) => {
  const requests: unknown[] = []
  const origin = await faultyTransmitter(t, {
    async endpoint(response, request, iss) {
      const { method, url, headers } = request
      const body = method === 'POST' ? await json(request) : undefined
      requests.push([method, url, headers.authorization, headers['content-type'], body])
      if (url?.startsWith('/status'))
        return respond(response, 200, { status: 'paused', reason: 'r\n' })
      if (method === 'DELETE' || url === '/verify') return respond(response, 204, '')
      // A single object instead of an array, as before SSF 1.0.
      return respond(response, 200, {
        stream_id: 's 1',
        iss,
        aud: ['a', "b'c"],
        inactivity_timeout: 60,
        events_delivered: [],
      })
    },
  })
  const run = (...args: string[]) => runHere(['stream', ...args, '--issuer', origin], { env })
  const push = await run('create', '--push', 'https://api.example')
  t.strictSame(pasted(push.stdout, env), {
    issuer: origin,
    audience: ['a', "b'c"],
    push: { path: '/', authorization: PUSH_SECRET },
  })
  t.equal(pasted(push.stdout, {}).push.authorization, 'undefined', 'never no header at all')
  t.match(push.stdout, /events {2}none\n/)
  t.match(push.stdout, "--stream-id 's 1'\n")
  t.match(await run('list'), { stdout: /^s 1\n {2}audience {5}a, b'c\n {2}events {7}none\n$/ })
  t.match(await run('status', '--stream-id', 's&1'), { stdout: 'paused\nreason  r\n' })
  await run('verify', '--stream-id', 's&1')
  await run('delete', '--stream-id', 's&1')
  const authorization = `Bearer ${accessToken}`
  const none = undefined
  t.strictSame(requests, [
    [
      'POST',
      '/streams',
      authorization,
      'application/json',
      {
        delivery: {
          method: 'urn:ietf:rfc:8935',
          endpoint_url: 'https://api.example',
          authorization_header: PUSH_SECRET,
        },
        events_requested: REVOKING,
      },
    ],
    ['GET', '/streams', authorization, none, none],
    ['GET', '/status?tenant=1&stream_id=s%261', authorization, none, none],
    ['POST', '/verify', authorization, 'application/json', { stream_id: 's&1' }],
    ['DELETE', '/streams?stream_id=s%261', authorization, none, none],
  ])
})

t.test('a transmitter may omit everything but the ID and the audience', async (t) => {
  const origin = await faultyTransmitter(t, {
    endpoint: (response) => respond(response, 201, { stream_id: 's1', aud: 'a', iss: 1 }),
  })
  const args = ['--issuer', origin, '--push', 'https://api.example/events', '--event']
  const created = await runHere(['stream', 'create', ...args, 'session-revoked'], { env })
  t.match(created, { code: 0, stdout: /events {2}session-revoked\n\noptions of the plugin/ })
  t.match(await runHere(['stream', 'list', '--issuer', origin], { env }), {
    code: 0,
    stdout: 's1\n  audience     a\n',
  })
})

t.test('a transmitter that repeats the secrets does not make the command print them', async (t) => {
  const echo = `${accessToken} ${PUSH_SECRET} ${Buffer.from(PUSH_SECRET).toString('base64')}`
  for (const status of [200, 400, 500]) {
    const origin = await faultyTransmitter(t, {
      endpoint: (response, _request, iss) =>
        respond(response, status, {
          stream_id: `s ${echo}`,
          iss,
          aud: [echo],
          description: echo,
          error: echo,
          status: echo,
          reason: echo,
          delivery: { method: echo, endpoint_url: `${iss}/${echo}`, authorization_header: echo },
          events_delivered: [echo],
        }),
    })
    for (const args of [
      ['create', '--push', 'https://api.example/events'],
      ['list'],
      ['create', '--push', 'https://api.example/events', '--json'],
      ['status', '--stream-id', 's'],
    ]) {
      // The push secret is known to "create" only.
      const { stdout, stderr } = await runHere(['stream', ...args, '--issuer', origin], { env })
      t.notMatch(stdout + stderr, /eyJ/, args.join(' '))
      if (args[0] === 'create') {
        t.notMatch(stdout + stderr, /hunter2|aHVudGVyMi1wdXNo|authorization_header/, args.join(' '))
        t.match(stdout + stderr, '[redacted]')
      }
    }
  }
})

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10))
}
