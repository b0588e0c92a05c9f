import t from 'tap'
import { atEndOfTurn } from '../../src/token/end-of-turn.js'

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
  t.pass()
})

t.test('does not depend on the global setImmediate()', async (t) => {
  // As the fake timers of test frameworks do.
  t.intercept(globalThis, 'setImmediate', { value: () => {} })
  await new Promise<void>(atEndOfTurn)
  t.pass()
})
