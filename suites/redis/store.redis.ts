/** Tests every operation of a store with every client. */
import t from 'tap'
import { clientNames, createStore } from './fixtures/clients.js'
import { startRedis } from './fixtures/redis-server.js'
import { testOperations } from './fixtures/store-cases.js'

const redis = await startRedis(t)

for (const name of clientNames) {
  t.test(name, async (t) => {
    const options = {
      prefix: `${name}:`,
      afterRestart: 'dangerouslyAccept',
      timeout: 10_000,
    } as const
    const make = () => createStore(t, name, redis.url, options)
    testOperations(t, await make(), await make())
    t.end()
  })
}
