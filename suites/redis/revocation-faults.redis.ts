/** Revocations while Redis is killed, emptied, stopped or slow: none is lost, and none said to be safe is. */
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { Revocation } from '../../src/index.js'
import { seconds } from '../../test/fixtures/issuer.js'
import { tokenOf } from '../../test/fixtures/protected-api.js'
import { namesForFaults } from './fixtures/clients.js'
import { type Instance, refusedAfter, refusesAll, startInstance } from './fixtures/instances.js'
import { DURABLE, type RedisServer, startRedis } from './fixtures/redis-server.js'

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds))

function admin(t: Test, { url }: RedisServer): Redis {
  const client = new Redis(url)
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  return client
}

interface User {
  readonly sub: string
  /** Issued a minute ago. */
  readonly token: string
}

const iat = seconds() - 60

async function makeUser(sub: string): Promise<User> {
  return { sub, token: await tokenOf({ sub, jti: sub, iat, exp: iat + 3_600 }) }
}

/** Some of many, evenly spread: to verify a token of each takes a while. */
function sampleOf(subs: readonly string[]): Promise<User[]> {
  const step = Math.ceil(subs.length / 200)
  return Promise.all(subs.filter((_, i) => i % step === 0).map(makeUser))
}

const named = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
const revocationsOf = (subs: readonly string[]): Revocation[] => subs.map((sub) => ({ sub }))
const tokensOf = (users: readonly User[]) => users.map(({ token }) => token)

async function keyCount(client: Redis): Promise<number> {
  return (await client.keys('frs:revocation:*')).length
}

async function until(what: () => Promise<boolean>, within = 30_000): Promise<boolean> {
  for (const end = performance.now() + within; performance.now() < end; await sleep(20)) {
    if (await what()) return true
  }
  return false
}

/** In milliseconds, where nothing is slow but perhaps this machine. */
const PATIENT = 10_000

const subs = named('user', 5_000)
const sample = tokensOf(await sampleOf(subs))

for (const name of namesForFaults) {
  // iovalkey is a fork of ioredis, and loses its connections in the same way.
  const isFork = name === 'iovalkey'
  for (const [what, settings] of [
    ['that keeps nothing', []],
    ...(isFork ? [] : ([['that keeps all', DURABLE]] as const)),
  ] as const) {
    t.test(`${name}: a Redis ${what}, killed in the middle of 5,000 revocations`, async (t) => {
      const redis = await startRedis(t, settings)
      const one = await startInstance(t, name, redis, PATIENT)
      const other = await startInstance(t, name, redis, PATIENT)
      const client = admin(t, redis)
      const telling = one.ask({ revoke: revocationsOf(subs) })
      t.ok(await until(async () => (await client.dbsize()) > 1_000))
      await redis.kill()
      const told = await telling
      t.equal(told.length, 5_000, 'each promise settles')
      const count = (what: string) => told.filter((one) => one === what).length
      t.equal(count('done') + count('unavailable'), 5_000)
      t.ok(count('done') >= 500 && count('unavailable') > 0, `after ${count('done')}`)
      t.ok(await refusesAll(one, sample), 'all are in force here')

      await redis.start()
      t.ok((await refusedAfter(other, ...sample)) < 30_000, 'and on the other instance')
      t.ok(await until(async () => (await keyCount(client)) === 5_000))
      const late = await startInstance(t, name, redis, PATIENT)
      t.ok(await refusesAll(late, sample), 'and on one that starts later')
    })
  }

  t.test(
    `${name}: what Redis confirmed outlives it and the instance, if it keeps all`,
    async (t) => {
      const redis = await startRedis(t, DURABLE)
      const one = await startInstance(t, name, redis, PATIENT)
      const told: string[] = []
      const ask = async (some: readonly string[]) => {
        const answers = await one.ask({ revoke: revocationsOf(some) })
        told.push(...some.filter((_, i) => answers[i] === 'done'))
      }
      // Groups of 100, several under way at a time, so that some are confirmed and others are not.
      for (let i = 0; i < 5_000; i += 100) ask(subs.slice(i, i + 100))
      t.ok(await until(async () => told.length > 1_000))
      await Promise.all([redis.kill(), one.kill()])
      const confirmed = tokensOf(await sampleOf(told))
      t.ok(confirmed.length >= 100)
      await redis.start()
      const late = await startInstance(t, name, redis, PATIENT)
      t.ok(await refusesAll(late, confirmed))
      t.ok((await keyCount(admin(t, redis))) >= told.length)
    },
  )

  t.test(`${name}: emptied with 10,000 in force, every instance restores them`, async (t) => {
    const redis = await startRedis(t)
    const one = await startInstance(t, name, redis, PATIENT)
    const other = await startInstance(t, name, redis, PATIENT)
    const client = admin(t, redis)
    const all = [...subs, ...named('more', 5_000)]
    const tokens = tokensOf(await sampleOf(all))
    const told = await one.ask({ revoke: revocationsOf(all) })
    t.equal(told.filter((one) => one === 'done').length, 10_000)
    t.ok((await refusedAfter(other, ...tokens)) < 30_000)

    for (const mode of ['SYNC', 'ASYNC']) {
      await client.call('FLUSHALL', mode)
      t.ok(await refusesAll(one, tokens), 'none is forgotten')
      t.ok(await refusesAll(other, tokens))
      t.ok(await until(async () => (await keyCount(client)) === 10_000))
      t.ok(await refusesAll(one, tokens))
      t.ok(await refusesAll(other, tokens))
    }

    t.test('also by one that only heard of them, while it revokes more', async (t) => {
      await one.kill()
      const bobs = named('bob', 200)
      const [ada] = await Promise.all([
        other.ask({ revoke: [{ sub: 'ada' }] }),
        client.flushall(),
        other.ask({ revoke: revocationsOf(bobs) }),
      ])
      t.strictSame(ada, ['done'])
      t.ok(await until(async () => (await keyCount(client)) === 10_201))
      const late = await startInstance(t, name, redis, PATIENT)
      const more = tokensOf(await sampleOf([...bobs, 'ada']))
      t.ok(await refusesAll(late, [...tokens, ...more]))
    })
  })

  const SLOW: Record<string, (client: Redis, redis: RedisServer) => unknown> = {
    'CLIENT PAUSE WRITE': (client) => client.client('PAUSE', 5_000, 'WRITE'),
    'CLIENT PAUSE ALL': (client) => client.client('PAUSE', 5_000, 'ALL'),
    'DEBUG SLEEP': (client) => void client.call('DEBUG', 'SLEEP', '5').catch(() => {}),
    SIGSTOP: (_client, redis) => {
      redis.hang()
      setTimeout(() => redis.resume(), 5_000)
    },
  }
  t.test(`${name}: slow for five seconds keeps nobody out, and loses nothing`, async (t) => {
    // Each has a Redis of its own, and waits most of the time.
    t.jobs = 4
    const ways = Object.entries(SLOW).filter(([what]) => !isFork || what === 'SIGSTOP')
    for (const [what, stop] of ways) {
      t.test(what, { buffered: true }, async (t) => {
        const redis = await startRedis(t, ['--enable-debug-command', 'local'])
        const one = await startInstance(t, name, redis)
        const other = await startInstance(t, name, redis)
        const users = await Promise.all(['known', 'ada', 'bob', 'eve'].map(makeUser))
        const [known, ada, bob, eve] = users as [User, User, User, User]
        await one.ask({ revoke: [{ sub: 'known' }] })
        t.ok((await refusedAfter(other, known.token)) < 5_000)

        await stop(admin(t, redis), redis)
        const began = performance.now()
        await sleep(50)
        const telling = one.ask({ revoke: [{ sub: 'ada' }, { sub: 'bob' }] })
        t.ok((await refusedAfter(one, ada.token)) < 1_000, 'in force here at once')
        for (const instance of [one, other]) {
          const asked = performance.now()
          const verdicts = await instance.ask({ verify: [known.token, eve.token] })
          t.strictSame(verdicts, ['revoked', 'good'], 'what is known stays, others are served')
          t.ok(performance.now() - asked < 1_000, 'and none waits for Redis')
        }
        t.strictSame(await telling, ['unavailable', 'unavailable'], 'it says so')
        t.ok(performance.now() - began < 4_000, 'soon')
        const again = performance.now()
        t.strictSame(await one.ask({ revoke: [{ sub: 'bob' }] }), ['unavailable'])
        t.ok(performance.now() - again < 1_000)

        t.ok((await refusedAfter(other, ada.token, bob.token)) < 10_000, 'told when it can be')
        t.ok(await until(async () => (await one.ask({ revoke: [{ sub: 'eve' }] }))[0] === 'done'))
        t.ok((await refusedAfter(other, eve.token)) < 5_000)
        t.equal(await keyCount(admin(t, redis)), 4)
      })
    }
  })
}

t.test('two processes that revoke the same subject leave one key, and the latest', async (t) => {
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
  // At the same moment, with times that differ; then one after the other, as fast as it goes.
  for (let i = 0; i < 100; i++) {
    const [before, earlier] = [start + (i % 10), start - i]
    latest = Math.max(latest, before)
    const times = i % 2 === 0 ? [before, earlier] : [earlier, before]
    const told = await Promise.all(
      both.map((instance, k) => instance.ask({ revoke: [{ sub, before: times[k] as number }] })),
    )
    count += told.flat().filter((one) => one === 'done').length
  }
  for (const end = performance.now() + 4_000; performance.now() < end; ) {
    for (const instance of both) {
      latest = Math.max(latest, seconds())
      const told = await instance.ask({ revoke: Array.from({ length: 20 }, () => ({ sub })) })
      count += told.filter((one) => one === 'done').length
    }
  }
  t.ok(count > 1_000, `${count} times`)
  const names = await client.keys('frs:*')
  t.equal(names.length, 2, 'the key, and the log of changes')
  t.ok((await client.xlen('frs:revocations')) <= 110, 'what changed nothing is not logged')
  const late = await startInstance(t, 'iovalkey', redis)
  for (const instance of [...both, late]) {
    const after = Math.max(latest, seconds()) + 1
    const [old, later] = [await tokenAt(latest), await tokenAt(after)]
    t.ok((await refusedAfter(instance, old)) < 10_000)
    t.strictSame(await instance.ask({ verify: [later] }), ['good'])
  }
})
