/** Tests forged messages on the channel, and stalls of the event loop of the API. */
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { createResourceServer, type ResourceServerOptions } from '../../src/index.js'
import { proofFor } from '../../test/fixtures/bound-token.js'
import { given, tokenOf } from '../../test/fixtures/protected-api.js'
import { clientNames, createStore } from './fixtures/clients.js'
import { startRedis } from './fixtures/redis-server.js'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function createServerWithStore(t: Test, name: string, url: string) {
  const store = await createStore(t, name, url, { afterRestart: 'dangerouslyAccept' })
  const server = await createResourceServer({
    ...(given() as ResourceServerOptions),
    dpop: 'allowed',
    stores: { replay: store, revocations: store },
  })
  t.teardown(() => server.close())
  return server
}

const victim = JSON.stringify({ sub: 'victim', before: 99_999_999_999 })
const FORGED: Record<string, string> = {
  garbage: '\u0000\uffff{[',
  'ten megabytes': 'x'.repeat(10_000_000),
  'wrong types': '[null,{"sub":1,"before":"now","revision":{}}]',
  'a revocation of the victim': victim,
  'the format of an older version': `- next ${'n'.repeat(43)}.99999999999.99999999999`,
  'an old revision': '0-1',
  'a revision of 2^53': '9007199254740992-0',
  'a revision beyond 64 bits': '99999999999999999999999-1',
  'a negative revision': '-1-0',
}

for (const name of clientNames) {
  t.test(
    `${name}: a forged message revokes nothing, and causes a limited number of reads`,
    async (t) => {
      const redis = await startRedis(t)
      const server = await createServerWithStore(t, name, redis.url)
      const admin = new Redis(redis.url)
      t.teardown(() => admin.disconnect())
      const token = await tokenOf({ sub: 'victim', jti: 'victim' })
      const reads = async () =>
        Number(/cmdstat_xrange:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)
      for (const [what, message] of Object.entries(FORGED)) {
        const before = await reads()
        let ticks = 0
        const timer = setInterval(() => ticks++, 10)
        for (let i = 0; i < (message.length > 1_000 ? 2 : 200); i++) {
          await admin.publish('frs:revocations', message)
        }
        const startedAt = performance.now()
        await server.revoke({ jti: what })
        t.comment(`${what}: revoke() took ${Math.round(performance.now() - startedAt)} ms`)
        await sleep(50)
        const readCount = (await reads()) - before
        clearInterval(timer)
        // Two reads are 20 ms apart, unless the second is a poll. A stall delays reads and ticks.
        t.ok(readCount <= ticks + 3, `${what}: ${readCount} reads in ${ticks} intervals of 10 ms`)
        await server.verify(token)
      }
      t.equal((await admin.keys('frs:revocation:*')).length, Object.keys(FORGED).length)
    },
  )

  t.test(`${name}: a stall of this process does not count as an outage of Redis`, async (t) => {
    const redis = await startRedis(t)
    const server = await createServerWithStore(t, name, redis.url)
    for (const stallMs of [700, 3_000]) {
      const proofs = await Promise.all(Array.from({ length: 20 }, () => proofFor()))
      const calls: Promise<unknown>[] = proofs.map((proof) => server.verify(proof))
      for (let i = 0; i < 20; i++) calls.push(server.revoke({ jti: `${stallMs}-${i}` }))
      // Waits until the commands are sent.
      await sleep(5)
      for (const end = performance.now() + stallMs; performance.now() < end; );
      const failed = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected')
      t.strictSame(failed, [], `${stallMs} ms`)
    }
    t.match(server.storeStatus(), [{ state: 'available' }, { state: 'available' }])
  })
}
