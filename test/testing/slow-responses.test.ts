import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { streamedBody } from '../../src/testing/authorization-server/http/delivery.js'
import { listen } from '../../src/testing/authorization-server/http/http-listener.js'
import { createAuthorizationServer, type Fault } from '../../src/testing/index.js'
import { startReading, until, waiting } from './fixtures/half-read.js'

const quick = { algorithm: 'ES256' } as const
const longTime = 60_000

/** Returns the number of timers that keep the process alive; the tests create none. */
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

t.test('never responds, with or without a request body', async (t) => {
  await using server = await createAuthorizationServer(quick)
  server.fail('hang')
  const hanging = [
    waiting(server.jwksUri),
    waiting(server.tokenEndpoint, 'POST', 'x'.repeat(20_000_000)),
  ]
  await Promise.all(hanging.map(({ sent }) => sent))
  await until(() => server.requests.jwks + server.requests.token === 2)
  const silence = new Promise((resolve) => setTimeout(resolve, 100, 'silence'))
  t.equal(await Promise.race([...hanging.map(({ over }) => over), silence]), 'silence')
  server.recover()
  t.equal((await fetch(server.jwksUri)).status, 200)
  const still = new Promise((resolve) => setTimeout(resolve, 20, 'silence'))
  t.equal(await Promise.race([...hanging.map(({ over }) => over), still]), 'silence')
  await server.close()
  t.same(await Promise.all(hanging.map(({ over }) => over)), ['ECONNRESET', 'ECONNRESET'])
})

t.test('stalls in the middle of the body', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const correct = JSON.stringify(server.keySet())
  server.fail('stalled-body', 'jwks')
  const { response, text, over } = await startReading(server.jwksUri)
  t.equal(response.statusCode, 200)
  t.equal(response.headers['cache-control'], 'public, max-age=300')
  await until(() => text() !== '')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(text(), correct.slice(0, Math.ceil(correct.length / 2)))
  await server.close()
  t.equal(await over, 'ECONNRESET')
})

t.test('delays the response that was correct at the request', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const before = server.keySet()
  server.fail({ delay: 100 }, 'jwks')
  const events: string[] = []
  // Due before the delay is over, because the timer of the delay starts later.
  setTimeout(() => events.push('90 ms'), 90)
  const response = fetch(server.jwksUri).then((response) => {
    events.push('response')
    return response.json()
  })
  await until(() => server.requests.jwks === 1)
  await server.rotateKeys()
  t.same(await response, before)
  t.same(events, ['90 ms', 'response'])
})

t.test('sends the correct body byte by byte', async (t) => {
  await using server = await createAuthorizationServer(quick)
  server.fail({ slowBody: 1 }, 'jwks')
  const response = await fetch(server.jwksUri)
  t.same(await response.json(), server.keySet())
  server.fail({ slowBody: 20 }, 'jwks')
  const { text, leave } = await startReading(server.jwksUri)
  t.equal(text(), '', 'the server sends the headers first')
  await until(() => text().length >= 3)
  t.ok(text().length < 10)
  t.equal(text(), JSON.stringify(server.keySet()).slice(0, text().length))
  leave()
})

t.test('sends a body that never ends', async (t) => {
  await using server = await createAuthorizationServer(quick)
  server.fail('endless')
  const { response, text, over } = await startReading(server.jwksUri)
  t.equal(response.headers['content-type'], 'application/json')
  await until(() => text().length > 1_000_000)
  t.match(text().slice(0, 100), /^\{"padding":"x+$/)
  await server.close()
  t.equal(await over, 'ECONNRESET')
})

t.test('produces only what the client reads, and stops when it disconnects', async (t) => {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let produced = 0
  let stopped = false
  function* chunks() {
    try {
      for (;;) {
        produced += chunk.length
        yield chunk
      }
    } finally {
      stopped = true
    }
  }
  const deliver = streamedBody({ status: 200, headers: {}, body: {} }, chunks)
  const listener = await listen(0, '127.0.0.1', async () => deliver)
  t.teardown(() => listener.close())
  const socket = connect(listener.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'readable')
  let before = -1
  while (produced > before) {
    before = produced
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.ok(produced < 40_000_000, 'what the buffers of two sockets hold')
  t.notOk(stopped)
  socket.destroy()
  await until(() => stopped)
})

const slowFaults: Fault[] = [
  'hang',
  'stalled-body',
  'oversized',
  'endless',
  { delay: longTime },
  { slowBody: longTime },
]

for (const fault of slowFaults) {
  const name = JSON.stringify(fault)

  t.test(`ends ${name} immediately when the server closes`, async (t) => {
    const server = await createAuthorizationServer(quick)
    const before = timers()
    server.fail(fault)
    const clients = await unreadClients(server, 3)
    await server.close()
    await Promise.all(clients.map(({ closed }) => closed))
    t.ok(timers() <= before)
  })

  t.test(`ends ${name} when the client disconnects`, async (t) => {
    await using server = await createAuthorizationServer(quick)
    const before = timers()
    server.fail(fault)
    for (const { socket } of await unreadClients(server, 3)) socket.destroy()
    while (timers() > before) await new Promise((resolve) => setImmediate(resolve))
    server.recover()
    t.equal((await fetch(server.jwksUri)).status, 200)
  })
}

t.test('ends a response queued behind another on its connection', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const before = timers()
  server.fail({ delay: longTime })
  const request = 'GET /oauth2/default/v1/keys HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const [client] = await unreadClients(server, 1, request.repeat(3))
  await untilCounted(server, 3)
  t.ok(timers() > before)
  client?.socket.destroy()
  while (timers() > before) await new Promise((resolve) => setImmediate(resolve))
})

t.test('sends nothing to a client that disconnected before its response', async (t) => {
  let delivered = 0
  const responses: Promise<unknown>[] = []
  const listener = await listen(0, '127.0.0.1', (request) => {
    const left = once(request.socket, 'close')
    responses.push(left)
    return left.then(() => () => {
      delivered += 1
    })
  })
  t.teardown(() => listener.close())
  const socket = connect(listener.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until(() => responses.length > 0)
  socket.destroy()
  await Promise.all(responses)
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(delivered, 0)
})

t.test('leaves no listeners on a reused connection', async (t) => {
  await using server = await createAuthorizationServer(quick)
  server.fail({ delay: 1 })
  let warnings = 0
  const warned = () => {
    warnings += 1
  }
  process.on('warning', warned)
  for (let i = 0; i < 40; i += 1) await (await fetch(server.jwksUri)).text()
  process.off('warning', warned)
  t.equal(warnings, 0)
})

type Counted = { url: string; requests: { jwks: number } }

/** Connects clients that request the key set and read nothing of the response. */
async function unreadClients(
  server: Counted,
  count: number,
  text = 'GET /oauth2/default/v1/keys HTTP/1.1\r\nHost: localhost\r\n\r\n',
) {
  const clients = Array.from({ length: count }, () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(text)
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
    return { socket, closed }
  })
  await untilCounted(server, count)
  for (const { socket } of clients) socket.resume()
  return clients
}

/** Uses no timer, so that those of the server can be counted. */
async function untilCounted(server: Counted, count: number): Promise<void> {
  while (server.requests.jwks < count) await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
}
