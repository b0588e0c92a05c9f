/** K: the marker in the store through which every instance refreshes its keys. */
import t from 'tap'
import { SharedKeyRefresh } from '../../src/keys/shared-key-refresh.js'
import { type FaultyStore, faultyStore } from '../fixtures/faulty-store.js'

/** Instances without a timer, which share a store; `refreshes` counts those of each. */
function instances(count: number, store: FaultyStore = faultyStore()) {
  const clock = { now: 0 }
  const all = Array.from({ length: count }, () => {
    const it = {
      refreshes: 0,
      keyRefresh: new SharedKeyRefresh({
        store,
        refresh: () => it.refreshes++,
        onWritten: () => {},
        monotonicNow: () => clock.now,
      }),
    }
    return it
  }) as [Instance, Instance, ...Instance[]]
  const sync = async () => {
    for (const { keyRefresh } of all) await keyRefresh.sync()
    return all.map(({ refreshes }) => refreshes)
  }
  return { clock, store, all, sync }
}

interface Instance {
  readonly refreshes: number
  readonly keyRefresh: SharedKeyRefresh
}

t.test('K8: refreshes once for each marker, at most once a second', async (t) => {
  const { clock, store, all, sync } = instances(2)
  const [one] = all
  t.strictSame(await sync(), [0, 0])
  await one.keyRefresh.announce()
  t.strictSame(await sync(), [0, 1])
  t.strictSame(await sync(), [0, 1])
  await one.keyRefresh.announce()
  t.strictSame(await sync(), [0, 1], 'within a second')
  clock.now += 1_000
  t.strictSame(await sync(), [0, 2])
  for (let i = 0; i < 50; i++) {
    await store.set('key-refresh', `99 00000000-0000-0000-0000-0000000000${10 + i}`, 1_000)
    await sync()
  }
  t.strictSame(await sync(), [1, 2], 'a writer of the store')
  for (const value of ['', '7', 'x 00000000-0000-0000-0000-000000000000', `${10 ** 15} x`]) {
    clock.now += 100_000
    await store.set('key-refresh', value, 1_000)
    t.strictSame(await sync(), [1, 2], `malformed: ${value}`)
  }
})

t.test('K9: announcements that replace each other reach every instance', async (t) => {
  const { clock, all, sync } = instances(3)
  const [one, two] = all
  await one.keyRefresh.announce()
  t.strictSame(await sync(), [0, 1, 1])
  clock.now += 1_000
  await Promise.all([one.keyRefresh.announce(), two.keyRefresh.announce()])
  clock.now += 1_000
  const [first, second, third] = await sync()
  t.equal(third, 2)
  t.ok((first as number) + (second as number) >= 2, 'the instance whose marker was replaced')
})

t.test('K13: an instance that starts after a refresh hears of the next one', async (t) => {
  const { store, all, sync } = instances(2)
  const [one] = all
  await one.keyRefresh.announce()
  const isFirst: boolean[] = []
  const late = new SharedKeyRefresh({
    store,
    refresh: (first) => isFirst.push(first),
    onWritten: () => {},
    monotonicNow: () => 0,
  })
  await late.sync()
  t.strictSame(isFirst, [true], 'keys that were fetched before may be older than the marker')
  await one.keyRefresh.announce()
  await late.sync()
  t.strictSame(isFirst, [true, false], 'at the same time')
  t.strictSame(await sync(), [0, 1])
})

t.test('K10: an announcement during a write causes another write', async (t) => {
  const { store, all } = instances(2)
  const [one] = all
  const first = one.keyRefresh.announce()
  await Promise.resolve()
  await Promise.resolve()
  await Promise.all([first, one.keyRefresh.announce(), one.keyRefresh.announce()])
  t.strictSame(store.calls, ['set key-refresh', 'set key-refresh'])
})

t.test('K11: a marker that the store lost is written again for a minute', async (t) => {
  const { clock, store, all, sync } = instances(2)
  const [one, two] = all
  await one.keyRefresh.announce()
  store.lose()
  await one.keyRefresh.sync()
  await two.keyRefresh.sync()
  t.equal(two.refreshes, 1)
  clock.now += 60_000
  store.lose()
  await sync()
  t.equal(await store.get('key-refresh'), undefined)
})

t.test('K12: an announcement that was not written follows markers of others', async (t) => {
  const { clock, store, all, sync } = instances(3)
  const [one, two, three] = all as [Instance, Instance, Instance]
  store.failing.add('set')
  await t.rejects(one.keyRefresh.announce())
  await t.rejects(one.keyRefresh.sync())
  store.failing.clear()
  await two.keyRefresh.announce()
  await three.keyRefresh.sync()
  t.equal(three.refreshes, 1)
  clock.now += 1_000
  await one.keyRefresh.sync()
  t.equal(one.refreshes, 1, 'after the marker of another instance')
  t.strictSame(await sync(), [1, 1, 2])
})
