import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import t from 'tap'
import { createAuthorizationServer, type MoveOptions } from '../../src/testing/index.js'
import { waiting } from './fixtures/half-read.js'

const quick = { algorithm: 'ES256' } as const

t.test('refuses connections while suspended, and resumes on the same port', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const { url, jwksUri } = server
  const keySet = server.keySet()
  t.equal((await fetch(jwksUri)).status, 200)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  const cut = once(socket, 'close')
  await server.suspend()
  await cut
  t.equal(await waiting(jwksUri).over, 'ECONNREFUSED')
  await server.resume()
  t.equal(server.url, url)
  t.same(await (await fetch(jwksUri)).json(), keySet)
  t.equal(server.requests.jwks, 2, 'counts only requests that reached the server')
})

t.test('keeps its faults over an outage, and closes hanging connections', async (t) => {
  await using server = await createAuthorizationServer(quick)
  server.fail('hang', 'jwks')
  const hanging = waiting(server.jwksUri)
  while (server.requests.jwks === 0) await new Promise((resolve) => setImmediate(resolve))
  server.fail({ status: 500 }, 'jwks')
  await server.suspend()
  t.equal(await hanging.over, 'ECONNRESET')
  await server.resume()
  t.equal((await fetch(server.jwksUri)).status, 500)
})

t.test('suspends and resumes in call order; repeated calls do nothing', async (t) => {
  await using server = await createAuthorizationServer(quick)
  await Promise.all([
    server.resume(),
    server.suspend(),
    server.suspend(),
    server.resume(),
    server.resume(),
  ])
  t.equal((await fetch(server.jwksUri)).status, 200)
  await Promise.all([server.suspend(), server.resume(), server.suspend()])
  t.equal(await waiting(server.jwksUri).over, 'ECONNREFUSED')
})

t.test('closes while suspended, and cannot be resumed then', async (t) => {
  const server = await createAuthorizationServer(quick)
  await server.suspend()
  await server.close()
  await server.suspend()
  await t.rejects(server.resume(), { message: 'The server is closed: create another one' })
  t.equal(await waiting(server.jwksUri).over, 'ECONNREFUSED')
})

t.test('reports that its port is in use, and can resume later', async (t) => {
  await using server = await createAuthorizationServer(quick)
  await server.suspend()
  const other = createServer().listen(Number(new URL(server.url).port), '127.0.0.1')
  await once(other, 'listening')
  await t.rejects(server.resume(), { code: 'EADDRINUSE' })
  other.close()
  await once(other, 'close')
  await server.resume()
  t.equal((await fetch(server.jwksUri)).status, 200)
})

t.test('moves its key set to the URL in the metadata', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const former = server.jwksUri
  const moved = server.moveKeySet()
  t.equal(moved, `${server.issuer}/v1/keys-2`)
  t.equal(server.jwksUri, moved)
  const metadata = await fetch(`${server.issuer}/.well-known/openid-configuration`)
  t.match(await metadata.json(), { jwks_uri: moved })
  const gone = await fetch(former)
  t.equal(gone.status, 404)
  t.match(await gone.json(), { error: 'not_found' })
  const token = await server.issueToken()
  await t.resolves(jwtVerify(token, createRemoteJWKSet(new URL(moved))))
  t.match(server.requests, { jwks: 2, other: 0 }, 'counts requests for the former URL, too')
  t.equal(server.moveKeySet(), `${server.issuer}/v1/keys-3`)
  t.equal((await fetch(moved)).status, 404)
})

t.test('keeps the former keys at the former URL with keepOld', async (t) => {
  await using server = await createAuthorizationServer({
    ...quick,
    issuerPath: '',
    keySetMaxAge: 9,
  })
  const former = server.jwksUri
  const keySet = server.keySet()
  const moved = server.moveKeySet({ keepOld: true })
  t.equal(moved, `${server.url}/v1/keys-2`)
  const kid = await server.rotateKeys({ keepOld: false })
  const frozen = await fetch(former)
  t.equal(frozen.headers.get('cache-control'), 'public, max-age=9')
  t.same(await frozen.json(), keySet)
  t.match(await (await fetch(moved)).json(), { keys: [{ kid }] })
  server.fail({ status: 500 }, 'jwks')
  t.equal((await fetch(former)).status, 500, 'faults concern the former URL, too')
  server.fail('redirect', 'jwks')
  t.same(await (await fetch(former)).json(), keySet)
})

t.test('names the invalid option of moveKeySet', async (t) => {
  await using server = await createAuthorizationServer(quick)
  const cases: [unknown, RegExp][] = [
    [true, /options of moveKeySet must be an object/],
    [{ keep: true }, /Unknown option "keep" of moveKeySet\..* Known: keepOld/],
    [{ keepOld: 1 }, /"keepOld" must be true or false/],
  ]
  const { jwksUri } = server
  for (const [options, message] of cases) {
    const move = () => server.moveKeySet(options as MoveOptions)
    t.throws(move, { name: 'TypeError', message })
  }
  t.equal(server.jwksUri, jwksUri)
})
