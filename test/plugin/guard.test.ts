import { AsyncLocalStorage } from 'node:async_hooks'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import resourceServer from '../../src/index.js'
import { makeKey, sign } from '../fixtures/issuer.js'
import { bearer, given, protectedApi } from '../fixtures/protected-api.js'

const [rsa, ec] = await Promise.all([makeKey('RS256'), makeKey('ES256')])
const jwks = { keys: [rsa.publicJwk, ec.publicJwk] }

async function apiWithCachedToken(t: Test) {
  const app = await protectedApi(t, { jwks })
  app.get('/', async () => 'ok')
  const known = await sign(rsa, {})
  for (let i = 0; i < 2; i++) await app.inject({ url: '/', headers: bearer(known) })
  return { app, known }
}

t.test('keeps the asynchronous context of each request of a turn', async (t) => {
  const storage = new AsyncLocalStorage<string>()
  const seen = new Map<string, string | undefined>()
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRequest', (request, _reply, done) => storage.run(request.url, done))
  await app.register(resourceServer, given({ jwks }))
  app.addHook('onSend', (request, _reply, _payload, done) => {
    seen.set(request.url, storage.getStore())
    done()
  })
  app.get('/:number', () => storage.getStore())
  const optional = { config: { auth: { optional: true } } }
  app.get('/optional/:number', optional, () => storage.getStore())
  await app.ready()

  const known = await sign(rsa, { sub: 'known' })
  for (const url of ['/first', '/second']) await app.inject({ url, headers: bearer(known) })
  const forged = `${known.slice(0, known.lastIndexOf('.'))}.c2ln`
  const requests = await Promise.all(
    Array.from({ length: 40 }, async (_, number) => {
      const headers = [
        bearer(known),
        bearer(await sign(rsa, { sub: `${number}` })),
        bearer(await sign(ec, { sub: `${number}` })),
        bearer(forged),
        bearer('malformed'),
        {},
      ][number % 6] as Record<string, string>
      return { url: number % 12 === 11 ? `/optional/${number}` : `/${number}`, headers }
    }),
  )
  const responses = await Promise.all(requests.map((request) => app.inject(request)))
  for (const [index, { url }] of requests.entries()) {
    const accepted = index % 6 < 3 || index % 12 === 11
    t.equal(responses[index]?.statusCode, accepted ? 200 : 401, url)
    if (accepted) t.equal(responses[index]?.body, url)
    t.equal(seen.get(url), url)
  }
})

t.test('responds to cached tokens before it checks other requests of the turn', async (t) => {
  const { app, known } = await apiWithCachedToken(t)
  const order: number[] = []
  const send = async (token: string) => {
    const { statusCode } = await app.inject({ url: '/', headers: bearer(token) })
    order.push(statusCode)
  }
  await Promise.all(['a.b.c', 'd.e.f', known].map(send))
  t.same(order, [200, 401, 401])
})

t.test('responds to a cached token while a flood of other requests waits', async (t) => {
  const { app, known } = await apiWithCachedToken(t)
  let rejected = 0
  const flood = Array.from({ length: 120 }, async (_, number) => {
    const { statusCode } = await app.inject({ url: '/', headers: bearer(`${number}.b.c`) })
    if (statusCode === 401) rejected++
  })
  for (let turn = 0; turn < 4; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  const { statusCode } = await app.inject({ url: '/', headers: bearer(known) })
  t.equal(statusCode, 200)
  t.ok(rejected < 90, `${rejected} responses came first`)
  await Promise.all(flood)
  t.equal(rejected, 120)
})

t.test('checks further requests at once while 1,000 wait', async (t) => {
  const { app } = await apiWithCachedToken(t)
  const order: number[] = []
  await Promise.all(
    Array.from({ length: 1_100 }, async (_, number) => {
      const { statusCode } = await app.inject({ url: '/', headers: bearer('malformed') })
      t.equal(statusCode, 401)
      order.push(number)
    }),
  )
  const first = new Set(order.slice(0, 100))
  t.same(first, new Set(Array.from({ length: 100 }, (_, k) => 1_000 + k)))
})
