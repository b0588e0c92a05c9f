/** F34: a rejected upgrade leaves no socket open, in any order of plugins. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import mercurius from 'mercurius'
import t, { type Test } from 'tap'
import resourceServer, { type PluginOptions } from '../../src/index.js'
import { bearer, given, tokenOf } from '../fixtures/protected-api.js'
import { parseResponse, type RawResponse } from '../fixtures/raw-http.js'

const valid = await tokenOf()

/** Sends an upgrade and reads until the server ends; an endless response fails the test. */
async function upgrade(port: number, lines: string[] = [], path = '/ws'): Promise<RawResponse> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.setTimeout(8_000, () => socket.destroy(new Error('the server did not end')))
  const head = [
    `GET ${path} HTTP/1.1`,
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...lines,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'end')
  socket.destroy()
  return parseResponse(Buffer.concat(chunks))
}

async function openConnections(app: FastifyInstance): Promise<number> {
  for (let i = 0; ; i++) {
    const open = await new Promise<number>((resolve) =>
      app.server.getConnections((_error, count) => resolve(count)),
    )
    if (open === 0 || i === 100) return open
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function listen(t: Test, build: (app: FastifyInstance) => Promise<unknown>) {
  const app = Fastify()
  t.teardown(() => app.close())
  await build(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, port: (app.server.address() as { port: number }).port }
}

const guarded =
  (options: Partial<PluginOptions> = {}) =>
  (app: FastifyInstance) =>
    app.register(resourceServer, given(options))
const routes = async (app: FastifyInstance) => {
  app.get('/ws', { websocket: true }, (socket) => socket.terminate())
}
const sockets = async (app: FastifyInstance) => app.register(websocket)
const subscriptions = async (app: FastifyInstance) =>
  app.register(mercurius, {
    schema: 'type Query { me: String } type Subscription { tick: String }',
    subscription: true,
  })

const orders: Record<string, [path: string, ...((app: FastifyInstance) => unknown)[]]> = {
  'plugin, @fastify/websocket': ['/ws', guarded(), sockets, routes],
  '@fastify/websocket, plugin': ['/ws', sockets, guarded(), routes],
  'plugin, mercurius': ['/graphql', guarded(), subscriptions],
  'mercurius, plugin': ['/graphql', subscriptions, guarded()],
}

for (const [order, [path, ...steps]] of Object.entries(orders)) {
  t.test(order, async (t) => {
    const { app, port } = await listen(t, async (app) => {
      for (const step of steps) await step(app)
    })
    const unknown = `/unknown${path}`
    for (const [url, lines, status] of [
      [path, [], 401],
      [path, ['Authorization: Bearer bad'], 401],
      [path, ['Authorization: Bearer a', 'Authorization: Bearer b'], 400],
      [path, ['Authorization: Bearer'], 400],
      [unknown, [], 401],
      [path, ['Upgrade: h2c'], 401],
    ] as const) {
      const response = await upgrade(port, [...lines], url)
      t.equal(response.status, status, `${url} ${lines}`)
      t.match(response.headers['www-authenticate']?.[0], /^Bearer /)
      t.same(response.headers.connection, ['close'])
      const whole = response.headers['content-length']?.[0]
      t.equal(`${response.body.length}`, whole, 'the response is complete')
    }
    const many = await Promise.all(Array.from({ length: 100 }, () => upgrade(port, [], path)))
    t.ok(many.every(({ status }) => status === 401))
    t.equal(await openConnections(app), 0)
    await app.close()
  })
}

t.test('closes the socket for any rejection, synchronous or asynchronous', async (t) => {
  const later = () => new Promise<never>((_, reject) => setTimeout(reject, 50, new Error('no')))
  const cases: Record<string, [Partial<PluginOptions>, number, (app: FastifyInstance) => void]> = {
    'a lack of scope': [
      {},
      403,
      (app) => app.get('/', { websocket: true, config: { auth: { scope: 'x' } } }, () => {}),
    ],
    'authorize, later': [
      {},
      500,
      (app) => app.get('/', { websocket: true, config: { auth: { authorize: later } } }, () => {}),
    ],
    'keys that cannot be had': [
      { issuer: 'http://127.0.0.1:9/', jwks: {} },
      503,
      (app) => app.get('/', { websocket: true }, () => {}),
    ],
    'an error handler of the application': [
      {},
      418,
      (app) => {
        app.setErrorHandler(async (_error, _request, reply) => {
          await new Promise((resolve) => setTimeout(resolve, 20))
          return reply.code(418).send({ own: 'shape' })
        })
        app.get('/', { websocket: true, config: { auth: { scope: 'x' } } }, () => {})
      },
    ],
  }
  for (const [title, [options, status, declare]] of Object.entries(cases)) {
    const { app, port } = await listen(t, async (app) => {
      await guarded(options)(app)
      await sockets(app)
      declare(app)
    })
    const token = status === 503 ? await tokenOf({ iss: 'http://127.0.0.1:9/' }) : valid
    const response = await upgrade(port, [`Authorization: Bearer ${token}`], '/')
    t.equal(response.status, status, title)
    t.ok(response.body.length > 0)
    t.equal(await openConnections(app), 0, title)
    await app.close()
  }
})

t.test('closes the socket after a failed registration', async (t) => {
  const { app, port } = await listen(t, async (app) => {
    app.register(resourceServer, {} as never).after((_error) => {})
    app.register(websocket)
    app.register(routes)
  })
  t.equal((await upgrade(port)).status, 503)
  t.equal(await openConnections(app), 0)
})

t.test('does not affect an upgrade with a token', async (t) => {
  const { port } = await listen(t, async (app) => {
    await guarded()(app)
    await sockets(app)
    await routes(app)
  })
  const { status } = await upgrade(port, [`Authorization: Bearer ${valid}`])
  t.equal(status, 101)
})

t.test('keeps the connection of a request with only an Upgrade header', async (t) => {
  const { port } = await listen(t, async (app) => {
    await guarded()(app)
    app.get('/', () => 'in')
  })
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const responses: string[] = []
  for (const lines of [[], [`Authorization: Bearer ${valid}`], []]) {
    const head = ['GET / HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: h2c', ...lines]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    const [chunk] = await once(socket, 'data')
    responses.push(`${chunk}`.slice(9, 12))
  }
  t.same(responses, ['401', '200', '401'], 'on one connection')
})

t.test('a polluted prototype closes no connection', async (t) => {
  const app = Fastify({ serverFactory: (handler) => createServer(handler) })
  t.teardown(() => app.close())
  await guarded()(app)
  await app.ready()
  const prototype = Object.prototype as { upgrade?: boolean }
  prototype.upgrade = true
  t.teardown(() => delete prototype.upgrade)
  const { statusCode, headers } = await app.inject({ url: '/', headers: bearer('bad') })
  t.equal(statusCode, 401)
  t.not(headers.connection, 'close')
})
