/** The log names the URL and the cause of each request to an issuer that gets no response. */
import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import t, { type Test } from 'tap'
import { createTokenExchanger } from '../../src/exchange/index.js'
import { createResourceServer, type ResourceServerOptions } from '../../src/index.js'
import { makeCertificate } from '../fixtures/certificates.js'
import { ISSUER } from '../fixtures/issuer.js'
import { given, tokenOf } from '../fixtures/protected-api.js'
import { STREAM } from '../fixtures/security-events.js'

const SECRET = 'secret-of-the-query'
/** The only reason that is the timeout itself. The others must occur before it on any machine. */
const SILENCE = 'no complete response within 100 ms'
const timeoutFor = (reason: string) => (reason === SILENCE ? 100 : 10_000)

/** Returns the origin of a server that sends no response, for one reason. */
const REASONS: Readonly<Record<string, (t: Test) => Promise<string>>> = {
  ECONNREFUSED: async (t) => {
    const server = createServer()
    const origin = await listen(t, server, 'http')
    await new Promise((done) => server.close(done))
    return origin
  },
  ENOTFOUND: async () => 'https://no-such-host.invalid',
  DEPTH_ZERO_SELF_SIGNED_CERT: async (t) => {
    const certificate = await makeCertificate('localhost', {
      altNames: [{ type: 7, ip: '127.0.0.1' }],
    })
    return listen(
      t,
      createTlsServer(certificate, (_, response) => response.end('{}')),
      'https',
    )
  },
  [SILENCE]: (t) => listen(t, createServer(), 'http'),
  UND_ERR_SOCKET: (t) =>
    listen(
      t,
      createServer((socket) => socket.once('data', () => socket.destroy())),
      'http',
    ),
}

async function listen(t: Test, server: Server, protocol: string): Promise<string> {
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Each function sends one request to the origin, and returns the message for the operator. */
const REQUESTS: Readonly<
  Record<
    string,
    { path: string; send: (t: Test, origin: string, timeout: number) => Promise<string> }
  >
> = {
  metadata: {
    path: '/.well-known/openid-configuration',
    send: (t, origin, timeout) => failureOf(t, { issuer: origin, jwks: { timeout } }),
  },
  'key set': {
    path: '/keys',
    send: (t, origin, timeout) =>
      failureOf(t, { jwksUri: `${origin}/keys?key=${SECRET}`, jwks: { timeout } }),
  },
  'metadata for introspection': {
    path: '/.well-known/openid-configuration',
    send: (t, origin, timeout) =>
      failureOf(t, {
        issuer: origin,
        introspection: { clientId: 'api', clientSecret: SECRET, timeout },
      }),
  },
  introspection: {
    path: '/introspect',
    send: (t, origin, timeout) =>
      failureOf(t, {
        introspection: {
          clientId: 'api',
          clientSecret: SECRET,
          endpoint: `${origin}/introspect?key=${SECRET}`,
          timeout,
        },
      }),
  },
  'token exchange': {
    path: '/token',
    send: async (_, origin, timeout) => {
      const exchanger = await createTokenExchanger({
        tokenEndpoint: `${origin}/token?key=${SECRET}`,
        subjectIssuers: [ISSUER],
        clientId: 'api',
        clientSecret: SECRET,
        timeout,
      })
      const error = await exchanger
        .exchange(await tokenOf(), { audience: 'payments' })
        .catch((reason: Error) => reason)
      await exchanger.close()
      return messageOf(error)
    },
  },
  poll: {
    path: '/poll',
    send: async (t, origin) => {
      const url = `${origin}/poll?key=${SECRET}`
      const { server, failures } = await serverWith(t, {
        securityEvents: { issuer: ISSUER, audience: STREAM, poll: { url } },
      })
      while (failures.length === 0) await new Promise((done) => setTimeout(done, 10))
      await server.close()
      return messageOf(failures[0])
    },
  },
}

async function serverWith(t: Test, options: Partial<ResourceServerOptions>) {
  const failures: unknown[] = []
  const logger = { warn: ({ err }: { err?: unknown }) => void failures.push(err) }
  const server = await createResourceServer({
    ...(given(options) as ResourceServerOptions),
    logger,
  })
  t.teardown(() => server.close())
  return { server, failures }
}

/** Returns the message that is logged when a token is verified. */
async function failureOf(t: Test, options: Partial<ResourceServerOptions>): Promise<string> {
  const { server, failures } = await serverWith(t, options)
  const iss = typeof options.issuer === 'string' ? options.issuer : ISSUER
  const isOpaque = 'introspection' in options
  await server.verify(isOpaque ? 'an-opaque-token' : await tokenOf({ iss })).catch(() => {})
  return messageOf(failures[0])
}

function messageOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause === undefined ? message : `${message}: ${messageOf(cause)}`
}

for (const [name, { path, send }] of Object.entries(REQUESTS)) {
  for (const [reason, start] of Object.entries(REASONS)) {
    // A long poll without a response is one without events.
    if (name === 'poll' && reason === SILENCE) continue
    t.test(`${name}: ${reason}`, async (t) => {
      const origin = await start(t)
      const message = await send(t, origin, timeoutFor(reason))
      t.match(message, `${origin}${path} `.trim())
      t.match(message, reason)
      t.notMatch(message, SECRET)
    })
  }
}
