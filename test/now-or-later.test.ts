import t from 'tap'
import { andThen } from '../src/now-or-later.js'

t.test('a value at hand goes on at once, without a promise', async (t) => {
  t.equal(
    andThen(1, (one) => one + 1),
    2,
  )
  t.equal(
    andThen(undefined, (nothing) => nothing),
    undefined,
  )
  const failure = new Error('ours')
  t.throws(
    () =>
      andThen(1, () => {
        throw failure
      }),
    failure,
    'what is thrown is thrown',
  )
})

t.test('a promise is waited for, and so is one that comes of it', async (t) => {
  const later = andThen(Promise.resolve(1), (one) => one + 1)
  t.ok(later instanceof Promise)
  t.equal(await later, 2)
  t.equal(await andThen(Promise.resolve(1), async (one) => one + 1), 2)
  t.equal(await andThen(1, async (one) => one + 1), 2)
  const failure = new Error('ours')
  const next = () => t.fail('nothing comes after a failure')
  await t.rejects(Promise.resolve(andThen(Promise.reject(failure), next)), failure)
})
