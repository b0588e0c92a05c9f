/**
 * Tests that no revocation is lost while Redis is killed, flushed, stopped or slow, whether or not
 * Redis confirmed the revocation.
 */
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { Revocation } from '../../src/index.js'
import { seconds } from '../../test/fixtures/issuer.js'
import { tokenOf } from '../../test/fixtures/protected-api.js'
import { clientNamesForFaults } from './fixtures/clients.js'
import { type Instance, rejectsAll, startInstance, untilRevoked } from './fixtures/instances.js'
import { DURABLE, type RedisServer, startRedis } from './fixtures/redis-server.js'
import { until } from './fixtures/until.js'

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

function admin(t: Test, { url }: RedisServer): Redis {
  const client = new Redis(url)
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  return client
}

interface User {
  readonly sub: string
  /** Token of the user, issued a minute ago. */
  readonly token: string
}

const iat = seconds() - 60

async function makeUser(sub: string): Promise<User> {
  return { sub, token: await tokenOf({ sub, jti: sub, iat, exp: iat + 3_600 }) }
}

/** Returns an evenly spread sample, because verifying a token of every user takes long. */
function sampleOf(subs: readonly string[]): Promise<User[]> {
  const step = Math.ceil(subs.length / 200)
  return Promise.all(subs.filter((_, i) => i % step === 0).map(makeUser))
}

const subjectNames = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
const revocationsOf = (subs: readonly string[]): Revocation[] => subs.map((sub) => ({ sub }))
const tokensOf = (users: readonly User[]) => users.map(({ token }) => token)

async function keyCount(client: Redis): Promise<number> {
  return (await client.keys('frs:revocation:*')).length
}

/** Command timeout in milliseconds; generous, because the machine may be busy. */
const LONG_TIMEOUT_MS = 10_000

/** How long Redis does not reply: longer than a busy machine needs for the checks meanwhile. */
const STALL_MS = 10_000

const subs = subjectNames('user', 5_000)
const sample = tokensOf(await sampleOf(subs))

for (const name of clientNamesForFaults) {
  // iovalkey is a fork of ioredis, and handles lost connections in the same way.
  const isFork = name === 'iovalkey'
  for (const [what, settings] of [
    ['without persistence', []],
    ...(isFork ? [] : ([['with persistence', DURABLE]] as const)),
  ] as const) {
    t.test(`${name}: keeps 5,000 revocations while a Redis ${what} is killed`, async (t) => {
      const redis = await startRedis(t, settings)
      const one = await startInstance(t, name, redis, LONG_TIMEOUT_MS)
      const other = await startInstance(t, name, redis, LONG_TIMEOUT_MS)
      const client = admin(t, redis)
      const revoking = one.send({ revoke: revocationsOf(subs) })
      t.ok(await until(async () => (await client.dbsize()) > 1_000))
      await redis.kill()
      const results = await revoking
      t.equal(results.length, 5_000, 'each promise settles')
      const count = (what: string) => results.filter((result) => result === what).length
      t.equal(count('done') + count('unavailable'), 5_000)
      t.ok(count('done') >= 500 && count('unavailable') > 0, `after ${count('done')}`)
      t.ok(await rejectsAll(one, sample), 'the revoking instance enforces all')

      await redis.start()
      await untilRevoked(t, other, ...sample)
      t.ok(await until(async () => (await keyCount(client)) === 5_000))
      const late = await startInstance(t, name, redis, LONG_TIMEOUT_MS)
      t.ok(await rejectsAll(late, sample), 'and an instance that starts later')
    })
  }

  t.test(
    `${name}: a durable Redis keeps confirmed revocations if Redis and the instance are killed`,
    async (t) => {
      const redis = await startRedis(t, DURABLE)
      const one = await startInstance(t, name, redis, LONG_TIMEOUT_MS)
      const confirmedSubs: string[] = []
      const revoke = async (some: readonly string[]) => {
        const results = await one.send({ revoke: revocationsOf(some) })
        confirmedSubs.push(...some.filter((_, i) => results[i] === 'done'))
      }
      // Concurrent groups of 100, so that some are confirmed and others are not.
      for (let i = 0; i < 5_000; i += 100) revoke(subs.slice(i, i + 100))
      t.ok(await until(async () => confirmedSubs.length > 1_000))
      await Promise.all([redis.kill(), one.kill()])
      const confirmed = tokensOf(await sampleOf(confirmedSubs))
      t.ok(confirmed.length >= 100)
      await redis.start()
      const late = await startInstance(t, name, redis, LONG_TIMEOUT_MS)
      t.ok(await rejectsAll(late, confirmed))
      t.ok((await keyCount(admin(t, redis))) >= confirmedSubs.length)
    },
  )

  t.test(`${name}: every instance restores 10,000 revocations after FLUSHALL`, async (t) => {
    const redis = await startRedis(t)
    const one = await startInstance(t, name, redis, LONG_TIMEOUT_MS)
    const other = await startInstance(t, name, redis, LONG_TIMEOUT_MS)
    const client = admin(t, redis)
    const all = [...subs, ...subjectNames('more', 5_000)]
    const tokens = tokensOf(await sampleOf(all))
    const results = await one.send({ revoke: revocationsOf(all) })
    t.equal(results.filter((result) => result === 'done').length, 10_000)
    await untilRevoked(t, other, ...tokens)

    for (const mode of ['SYNC', 'ASYNC']) {
      await client.call('FLUSHALL', mode)
      t.ok(await rejectsAll(one, tokens), 'all are enforced')
      t.ok(await rejectsAll(other, tokens))
      t.ok(await until(async () => (await keyCount(client)) === 10_000))
      t.ok(await rejectsAll(one, tokens))
      t.ok(await rejectsAll(other, tokens))
    }

    t.test(
      'also an instance that only read the revocations, while that instance revokes more',
      async (t) => {
        await one.kill()
        const bobs = subjectNames('bob', 200)
        const [ada] = await Promise.all([
          other.send({ revoke: [{ sub: 'ada' }] }),
          client.flushall(),
          other.send({ revoke: revocationsOf(bobs) }),
        ])
        t.strictSame(ada, ['done'])
        t.ok(await until(async () => (await keyCount(client)) === 10_201))
        const late = await startInstance(t, name, redis, LONG_TIMEOUT_MS)
        const more = tokensOf(await sampleOf([...bobs, 'ada']))
        t.ok(await rejectsAll(late, [...tokens, ...more]))
      },
    )
  })

  const SLOW: Record<string, (client: Redis, redis: RedisServer) => unknown> = {
    'CLIENT PAUSE WRITE': (client) => client.client('PAUSE', STALL_MS, 'WRITE'),
    'CLIENT PAUSE ALL': (client) => client.client('PAUSE', STALL_MS, 'ALL'),
    'DEBUG SLEEP': (client) => void client.call('DEBUG', 'SLEEP', STALL_MS / 1_000).catch(() => {}),
    SIGSTOP: (_client, redis) => {
      redis.hang()
      setTimeout(() => redis.resume(), STALL_MS)
    },
  }
  t.test(
    `${name}: a Redis that does not reply for a while blocks no request, and loses no revocation`,
    async (t) => {
      // In parallel, because each test has a separate Redis and is mostly idle.
      t.jobs = 4
      const stalls = Object.entries(SLOW).filter(([what]) => !isFork || what === 'SIGSTOP')
      for (const [what, stop] of stalls) {
        t.test(what, { buffered: true }, async (t) => {
          const redis = await startRedis(t, ['--enable-debug-command', 'local'])
          const one = await startInstance(t, name, redis)
          const other = await startInstance(t, name, redis)
          const users = await Promise.all(['known', 'ada', 'bob', 'eve'].map(makeUser))
          const [known, ada, bob, eve] = users as [User, User, User, User]
          await one.send({ revoke: [{ sub: 'known' }] })
          await untilRevoked(t, other, known.token)

          await stop(admin(t, redis), redis)
          await sleep(50)
          let isOver = false
          const client = admin(t, redis)
          const stall = until(async () => (await client.set('after-the-stall', '')) === 'OK').then(
            () => {
              isOver = true
            },
          )
          let isRejected = false
          const revoking = one.send({ revoke: [{ sub: 'ada' }, { sub: 'bob' }] }).finally(() => {
            isRejected = true
          })
          t.strictSame(await one.send({ verify: [ada.token] }), ['revoked'])
          t.notOk(isRejected, 'enforced by the revoking instance while revoke() is pending')
          for (const instance of [one, other]) {
            const results = await instance.send({ verify: [known.token, eve.token] })
            t.strictSame(
              results,
              ['revoked', 'valid'],
              'known revocations are enforced, other tokens accepted',
            )
          }
          t.strictSame(await revoking, ['unavailable', 'unavailable'], 'revoke() rejects')
          t.strictSame(await one.send({ revoke: [{ sub: 'bob' }] }), ['unavailable'])
          t.notOk(isOver, 'all of this while Redis does not reply')

          await stall
          // Both are written once Redis replies.
          await untilRevoked(t, other, ada.token, bob.token)
          t.ok(
            await until(async () => (await one.send({ revoke: [{ sub: 'eve' }] }))[0] === 'done'),
          )
          await untilRevoked(t, other, eve.token)
          t.equal(await keyCount(admin(t, redis)), 4)
        })
      }
    },
  )
}

t.test(
  'concurrent revocations of a subject by two processes leave one key with the latest time',
  async (t) => {
    const redis = await startRedis(t)
    const client = admin(t, redis)
    const instances = [
      await startInstance(t, 'ioredis', redis),
      await startInstance(t, 'node-redis', redis),
    ]
    const both = instances as [Instance, Instance]
    const sub = 'mallory'
    const tokenAt = (iat: number) => tokenOf({ sub, jti: `${iat}`, iat, exp: iat + 3_600 })
    const start = seconds()
    let latest = 0
    let count = 0
    // First revokes concurrently with different times, then one after the other.
    for (let i = 0; i < 100; i++) {
      const [before, earlier] = [start + (i % 10), start - i]
      latest = Math.max(latest, before)
      const times = i % 2 === 0 ? [before, earlier] : [earlier, before]
      const results = await Promise.all(
        both.map((instance, k) => instance.send({ revoke: [{ sub, before: times[k] as number }] })),
      )
      count += results.flat().filter((result) => result === 'done').length
    }
    for (const end = seconds() + 4; count <= 1_000 || seconds() < end; ) {
      for (const instance of both) {
        latest = Math.max(latest, seconds())
        const results = await instance.send({ revoke: Array.from({ length: 20 }, () => ({ sub })) })
        count += results.filter((result) => result === 'done').length
      }
    }
    t.comment(`${count} times`)
    const names = await client.keys('frs:*')
    t.equal(names.length, 2, 'the key, and the log of changes')
    t.ok((await client.xlen('frs:revocations')) <= 110, 'merges without effect are not logged')
    const late = await startInstance(t, 'iovalkey', redis)
    for (const instance of [...both, late]) {
      const after = Math.max(latest, seconds()) + 1
      const [old, later] = [await tokenAt(latest), await tokenAt(after)]
      await untilRevoked(t, instance, old)
      t.strictSame(await instance.send({ verify: [later] }), ['valid'])
    }
  },
)
