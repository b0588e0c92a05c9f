import { AsyncLocalStorage } from 'node:async_hooks'
import t from 'tap'
import { atEndOfTurn, endOfTurn } from '../../src/base/end-of-turn.js'

t.test('runs the tasks of one turn together, before any promise continues', async (t) => {
  const log: string[] = []
  const all = [1, 2, 3].map(async (number) => {
    await new Promise<void>((resolve) => {
      atEndOfTurn(() => {
        log.push(`task ${number}`)
        resolve()
      })
    })
    log.push(`after ${number}`)
  })
  await Promise.resolve()
  log.push('end of the turn')
  await Promise.all(all)
  t.same(log, [
    'end of the turn',
    ...[1, 2, 3].map((number) => `task ${number}`),
    ...[1, 2, 3].map((number) => `after ${number}`),
  ])
})

t.test('runs a task that is added by another one, and one that is added later', async (t) => {
  await new Promise<void>((resolve) => {
    atEndOfTurn(() => atEndOfTurn(resolve))
  })
  await new Promise<void>(atEndOfTurn)
  await endOfTurn()
  t.pass()
})

t.test('runs the continuations of a turn first, then their tasks', async (t) => {
  const log: string[] = []
  const all = [1, 2, 3].map(async (number) => {
    await endOfTurn()
    log.push(`check ${number}`)
    await new Promise<void>((resolve) => {
      atEndOfTurn(() => {
        log.push(`task ${number}`)
        resolve()
      })
    })
    log.push(`after ${number}`)
  })
  const later = new Promise<void>((resolve) => setImmediate(resolve)).then(() => log.push('later'))
  await Promise.all([...all, later])
  t.same(log, [
    ...[1, 2, 3].map((number) => `check ${number}`),
    ...[1, 2, 3].map((number) => `task ${number}`),
    ...[1, 2, 3].map((number) => `after ${number}`),
    'later',
  ])
})

t.test('runs tasks that were added before a request waits for the end of the turn', async (t) => {
  const log: string[] = []
  const task = new Promise<void>((resolve) => {
    atEndOfTurn(() => {
      log.push('task')
      resolve()
    })
  })
  await Promise.all([task, endOfTurn()?.then(() => log.push('check'))])
  t.same(log, ['task', 'check'])
})

t.test('starts another turn while the continuations of a turn run', async (t) => {
  await endOfTurn()?.then(() => endOfTurn())
  await endOfTurn()
    ?.then(() => new Promise<void>(atEndOfTurn))
    .then(() => endOfTurn())
  t.pass()
})

t.test('continues 16 requests in a turn, in order', async (t) => {
  const continued: number[] = []
  const all = Promise.all(
    Array.from({ length: 40 }, async (_, number) => {
      await endOfTurn()
      continued.push(number)
    }),
  )
  const counts: number[] = []
  for (let turn = 0; turn < 4; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    counts.push(continued.length)
  }
  await all
  t.same(counts, [16, 32, 40, 40])
  t.same(continued, [...continued.keys()])
})

t.test('continues more requests in a turn if many wait', async (t) => {
  let turns = 0
  let isDone = false
  const all = Promise.all(Array.from({ length: 1_000 }, () => endOfTurn()))
  void all.then(() => {
    isDone = true
  })
  for (; !isDone; turns++) await new Promise<void>((resolve) => setImmediate(resolve))
  t.ok(turns > 8 && turns < 30, `${turns} turns`)
})

t.test('lets 1,000 requests wait, and any other continue', async (t) => {
  const waiting = Array.from({ length: 1_000 }, () => endOfTurn())
  t.notOk(waiting.includes(undefined))
  t.equal(endOfTurn(), undefined)
  await waiting[0]
  // An eighth of the 63 batches of 16 requests.
  const more = Array.from({ length: 128 }, () => endOfTurn())
  t.notOk(more.includes(undefined))
  t.equal(endOfTurn(), undefined)
  await Promise.all([...waiting, ...more])
  t.ok(endOfTurn())
})

t.test('keeps the context of each request', async (t) => {
  const storage = new AsyncLocalStorage<number>()
  const seen = await Promise.all(
    [1, 2, 3].map((number) =>
      storage.run(number, () => endOfTurn()?.then(() => storage.getStore())),
    ),
  )
  t.same(seen, [1, 2, 3])
})

t.test('does not depend on the global setImmediate()', async (t) => {
  // As the fake timers of test frameworks do.
  t.intercept(globalThis, 'setImmediate', { value: () => {} })
  await new Promise<void>(atEndOfTurn)
  await endOfTurn()
  t.pass()
})
