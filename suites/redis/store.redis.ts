/** Tests every operation of a store with every client. */
import t from 'tap'
import { clientNames, createStore } from './fixtures/clients.js'
import { startRedis } from './fixtures/redis-server.js'

const redis = await startRedis(t)
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

for (const name of clientNames) {
  t.test(name, async (t) => {
    const prefix = `${name}:`
    const make = (options = {}) =>
      createStore(t, name, redis.url, {
        prefix,
        afterRestart: 'dangerouslyAccept',
        timeout: 10_000,
        ...options,
      })
    const store = await make()
    const other = await make()

    t.test('P5: adds an entry once, on every instance', async (t) => {
      t.equal(await store.add('once', '', 60_000), true)
      t.equal(await other.add('once', '', 60_000), false)
      t.equal(await store.add('soon', '', 50), true)
      await sleep(80)
      t.equal(await store.add('soon', '', 50), true, 'again after its TTL')
    })

    t.test('P5: accepts exactly one of 10,000 concurrent adds on two connections', async (t) => {
      const adding = Array.from({ length: 10_000 }, (_, i) =>
        (i % 2 ? store : other).add('many', '', 60_000),
      )
      t.equal((await Promise.all(adding)).filter(Boolean).length, 1)
    })

    t.test('sets, gets, deletes and expires entries', async (t) => {
      t.equal(await store.get('a'), undefined)
      await store.set('a', 'one', 60_000)
      await store.set('a', 'two', 60_000)
      t.equal(await other.get('a'), 'two')
      await store.delete('a')
      t.equal(await store.get('a'), undefined)
      await store.set('b', 'x', 0.5)
      await sleep(30)
      t.equal(await store.get('b'), undefined)
    })

    t.test('publishes to a subscription until the subscription ends', async (t) => {
      const received: string[] = []
      const end = await other.subscribe('news', (message) => received.push(message), t.fail)
      await store.publish('news', 'one two')
      await store.publish('other', 'three')
      while (received.length === 0) await sleep(5)
      t.strictSame(received, ['one two'])
      await end()
      await store.publish('news', 'four')
      await sleep(50)
      t.strictSame(received, ['one two'])
    })
    t.end()
  })
}
