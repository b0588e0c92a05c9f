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

const rejection: Result<number> = new InvalidTokenError('no', { check: 'token' })

t.test('after a rejection nothing is done, and it is handed on as it is', async (t) => {
  const next = () => t.fail('the next step was taken')
  t.equal(andThen(rejection, next), rejection)
  t.equal(
    andThen(1, () => rejection),
    rejection,
  )
  await t.rejects(Promise.resolve(andThen(Promise.reject(rejection), next)), rejection)
})

t.test('no promise resolves to a rejection: it rejects with it', async (t) => {
  for (const first of [Promise.resolve(1), 1]) {
    const later = andThen(first, async () => unwrap(rejection))
    t.ok(later instanceof Promise)
    await t.rejects(Promise.resolve(later), rejection)
  }
  const later = andThen(Promise.resolve(1), () => rejection)
  t.ok(later instanceof Promise)
  await t.rejects(Promise.resolve(later), rejection)
})

t.test('a rejection is an error of this package, and nothing else is', async (t) => {
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

t.test('what an async function returns is later, whatever stands for Promise', async (t) => {
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
})

t.test(
  "a rejection that is nobody's ends no process, of whatever kind the promise is",
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

t.test('nor that of a promise of the library that stands for Promise', async (t) => {
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
