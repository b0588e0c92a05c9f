import { runInNewContext } from 'node:vm'
import t from 'tap'
import { InvalidRequestError, InvalidTokenError } from '../../src/errors/errors.js'
import {
  andThen,
  isPromise,
  isRejection,
  type Result,
  suppressRejection,
  unwrap,
} from '../../src/errors/result.js'

t.test('andThen() passes a value on synchronously, without a promise', async (t) => {
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
    'an exception is rethrown',
  )
})

t.test('andThen() awaits a promise, and the promise of the next step', async (t) => {
  const later = andThen(Promise.resolve(1), (one) => one + 1)
  t.ok(later instanceof Promise)
  t.equal(await later, 2)
  t.equal(await andThen(Promise.resolve(1), async (one) => one + 1), 2)
  t.equal(await andThen(1, async (one) => one + 1), 2)
  const failure = new Error('ours')
  const next = () => t.fail('the next step was called after a failure')
  await t.rejects(Promise.resolve(andThen(Promise.reject(failure), next)), failure)
})

const rejection: Result<number> = new InvalidTokenError('no', { check: 'token' })

t.test('andThen() skips the next step after a rejection and returns the rejection', async (t) => {
  const next = () => t.fail('the next step was called')
  t.equal(andThen(rejection, next), rejection)
  t.equal(
    andThen(1, () => rejection),
    rejection,
  )
  await t.rejects(Promise.resolve(andThen(Promise.reject(rejection), next)), rejection)
})

t.test('a promise rejects with a rejection and never resolves to one', async (t) => {
  for (const first of [Promise.resolve(1), 1]) {
    const later = andThen(first, async () => unwrap(rejection))
    t.ok(later instanceof Promise)
    await t.rejects(Promise.resolve(later), rejection)
  }
  const later = andThen(Promise.resolve(1), () => rejection)
  t.ok(later instanceof Promise)
  await t.rejects(Promise.resolve(later), rejection)
})

t.test('isRejection() recognizes the errors of this package only', async (t) => {
  t.ok(isRejection(rejection))
  t.ok(isRejection(new InvalidRequestError('no')))
  for (const other of [undefined, null, 0, '', 'no', {}, { ...rejection }, new Error('no')]) {
    t.notOk(isRejection(other))
    t.equal(unwrap(other), other)
    t.equal(
      andThen(other, (same) => same),
      other,
    )
  }
  t.throws(() => unwrap(rejection), rejection)
})

t.test(
  'isPromise() recognizes the result of an async function if Promise is replaced',
  async (t) => {
    const { Promise: native } = globalThis
    class Other<T> extends native<T> {}
    t.teardown(() => {
      globalThis.Promise = native
    })
    globalThis.Promise = Other as PromiseConstructor
    const asynchronous = async () => 'forged'
    t.ok(isPromise(asynchronous()))
    t.ok(isPromise(new Other(() => {})))
    t.notOk(isPromise({ active: true }))
    globalThis.Promise = native
  },
)

t.test(
  'suppressRejection() keeps any kind of rejected promise from ending the process',
  async (t) => {
    const unhandled: unknown[] = []
    const onUnhandled = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', onUnhandled)
    t.teardown(() => process.off('unhandledRejection', onUnhandled))
    const rejecting = [
      () => Promise.reject(new Error('native')),
      () => runInNewContext('(async () => { throw new Error("of another realm") })()'),
      () =>
        Object.defineProperty(Promise.reject(new Error('its own')), 'then', { value: () => {} }),
    ]
    for (const make of rejecting) {
      const promise = make()
      t.equal(suppressRejection(promise), promise)
    }
    for (const other of [undefined, null, 1, 'a', {}, { catch: () => t.fail('called') }]) {
      t.equal(suppressRejection(other), other)
    }
    await new Promise((done) => setImmediate(done))
    t.strictSame(unhandled, [])
  },
)

t.test('suppressRejection() handles promises of a library that replaces Promise', async (t) => {
  const { Promise: native } = globalThis
  let caught = 0
  class Other {
    catch() {
      caught++
    }
  }
  globalThis.Promise = Other as never
  try {
    suppressRejection(new Other())
  } finally {
    globalThis.Promise = native
  }
  t.equal(caught, 1)
})
