/** Tests that a logout at an issuer reaches the instances of an API that share a Redis. */
import t from 'tap'
import { testLogoutOnInstances } from '../../test/api/interop/fixtures/logout-on-instances.js'
import { clientNames, createStore } from './fixtures/clients.js'
import { startRedis } from './fixtures/redis-server.js'

for (const name of clientNames) {
  t.test(`${name}: the end of a session at oidc-provider ends it on two instances`, async (t) => {
    const redis = await startRedis(t)
    await testLogoutOnInstances(t, async () => ({
      revocations: await createStore(t, name, redis.url),
      replay: await createStore(t, name, redis.url, { afterRestart: 'dangerouslyAccept' }),
    }))
  })
}
