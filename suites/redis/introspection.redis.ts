/** Tests instances that share introspection responses (RFC 7662) through a Redis with outages. */
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { createResourceServer, type Store } from '../../src/index.js'
import {
  AUDIENCE,
  CLIENT,
  startIntrospectionServer,
} from '../../test/fixtures/introspection-server.js'
import { clientNames, createStore } from './fixtures/clients.js'
import { startRedis } from './fixtures/redis-server.js'
import { until } from './fixtures/until.js'

type Issuer = Awaited<ReturnType<typeof startIntrospectionServer>>

const secret = randomBytes(32)

async function startInstance(t: Test, { issuer }: Issuer, introspection: Store) {
  const server = await createResourceServer({
    issuer,
    audience: AUDIENCE,
    introspection: CLIENT,
    stores: { introspection, sealingSecret: secret },
  })
  t.teardown(() => server.close())
  return server
}

function activate(issuer: Issuer, token: string): void {
  const exp = Math.floor(Date.now() / 1_000) + 600
  issuer.state.tokens.set(token, { active: true, aud: AUDIENCE, exp, sub: 'ada' })
}

for (const name of clientNames) {
  t.test(
    `${name}: instances share introspection responses, except during an outage of Redis`,
    async (t) => {
      const issuer = await startIntrospectionServer(t)
      const redis = await startRedis(t)
      const stores = await Promise.all([1, 2].map(() => createStore(t, name, redis.url)))
      const [one, two] = await Promise.all(stores.map((store) => startInstance(t, issuer, store)))
      /** Verifies a new token on both instances. Returns the number of introspection requests. */
      const verifyOnAllInstances = async (token: string) => {
        activate(issuer, token)
        for (const server of [one, two]) t.equal((await server?.verify(token))?.subject, 'ada')
        return issuer.requestsFor(token)
      }
      t.equal(await verifyOnAllInstances('before'), 1)

      const admin = new Redis(redis.url)
      const [key = '', ...others] = await admin.keys('frs:introspection:*')
      t.ok(key)
      t.strictSame(others, [])
      t.notMatch(`${key} ${await admin.get(key)}`, /before|ada|active/)
      admin.disconnect()

      redis.hang()
      t.equal(await verifyOnAllInstances('hanging'), 2)
      redis.resume()
      await redis.kill()
      t.equal(await verifyOnAllInstances('away'), 2)

      await redis.start()
      let i = 0
      const isShared = async () => (await verifyOnAllInstances(`back-${i++}`)) === 1
      t.ok(await until(isShared), 'sharing resumes')
    },
  )
}
