/**
 * The part of tap's API that the tests use, for many runs in one process: comparisons use tap's own
 * `tcompare`, the first failure ends a run, and a run may be limited to some tests of a file.
 *
 * Top-level tests run sequentially, once the file is loaded or as soon as the file awaits a test.
 */
import { match, same, strict } from 'tcompare'

class Failed extends Error {}

/** Reads the original clock even while a test replaces `performance.now`. */
export const now = performance.now.bind(performance)

let run

/**
 * With `all`, a failure ends only its own test. Calls `onTest(index)` before each top-level test,
 * and `onTest(undefined)` after each.
 */
export function begin({ only, all, onTest }) {
  run = { only, all, onTest, failure: undefined, failures: 0, tests: [], waiting: [] }
  run.failed = new Promise((resolve) => {
    run.resolveFailed = resolve
  })
  run.top = new Test(run, 'top level')
  return run
}

export function fail(target, reason) {
  target.failure ??= String(reason?.message ?? reason)
  if (!target.all) target.resolveFailed()
}

/** Runs the tests that the file did not await. Call this function when the file is loaded. */
export async function finish(target) {
  await drain(target)
  await target.top.end()
}

function drain(target) {
  target.running ??= (async () => {
    for (let next = target.waiting.shift(); next; next = target.waiting.shift()) await next()
    target.running = undefined
  })()
  return target.running
}

/** Queues a top-level test, which starts when the file awaits the test or is loaded. */
function queued(target, name, body) {
  const index = target.tests.length
  target.tests.push({ index, name, ms: 0, cpu: 0 })
  if (target.only !== undefined && !target.only.has(index)) return Promise.resolve()
  let resolveDone
  const done = new Promise((resolve) => {
    resolveDone = resolve
  })
  target.waiting.push(async () => {
    if (target.failure === undefined) {
      target.onTest?.(index)
      const startedAt = now()
      const before = process.cpuUsage()
      await perform(target, name, body)
      const entry = target.tests[index]
      entry.ms = now() - startedAt
      const { user, system } = process.cpuUsage(before)
      entry.cpu = (user + system) / 1_000
      if (target.all && target.failure !== undefined) {
        entry.failed = target.failure
        target.failures++
        target.failure = undefined
      }
      target.onTest?.(undefined)
    }
    resolveDone()
  })
  return { then }

  function then(...handlers) {
    drain(target)
    return done.then(...handlers)
  }
}

async function perform(target, name, body) {
  const test = new Test(target, name)
  try {
    await body(test)
  } catch (error) {
    fail(target, error)
  }
  await test.end()
}

class Test {
  #run
  #teardowns = []
  #children = []

  constructor(target, name) {
    this.#run = target
    this.name = name
  }

  test(name, ...rest) {
    const body = rest.at(-1)
    if (rest.length > 1 && rest[0].skip) return Promise.resolve()
    if (this === this.#run.top) return queued(this.#run, name, body)
    if (this.#run.failure !== undefined) throw new Failed('the run has failed')
    const before = this.#children.at(-1)
    const child = (before ?? Promise.resolve()).then(() => perform(this.#run, name, body))
    this.#children.push(child)
    return child
  }

  teardown(cleanUp) {
    this.#teardowns.push(cleanUp)
  }

  /** Replaces a member of an object until the test ends. */
  intercept(object, name, { value }) {
    const before = Object.getOwnPropertyDescriptor(object, name)
    Object.defineProperty(object, name, { value, configurable: true, writable: true })
    this.teardown(() => {
      delete object[name]
      if (before !== undefined) Object.defineProperty(object, name, before)
    })
  }

  async end() {
    await Promise.all(this.#children)
    for (const cleanUp of this.#teardowns.reverse()) {
      try {
        await cleanUp()
      } catch (error) {
        fail(this.#run, error)
      }
    }
  }

  #is(holds, assertion, rest) {
    if (holds) return true
    const message = rest.find((argument) => typeof argument === 'string') ?? assertion
    const failure = new Failed(`${this.name}: ${message}`)
    fail(this.#run, failure)
    throw failure
  }

  pass() {}
  comment() {}
  fail(...rest) {
    this.#is(false, 'fail', rest)
  }
  ok(found, ...rest) {
    return this.#is(found, 'ok', rest)
  }
  notOk(found, ...rest) {
    return this.#is(!found, 'notOk', rest)
  }
  equal(found, wanted, ...rest) {
    return this.#is(found === wanted, 'equal', rest)
  }
  not(found, unwanted, ...rest) {
    return this.#is(found !== unwanted, 'not', rest)
  }
  same(found, wanted, ...rest) {
    return this.#is(same(found, wanted).match, 'same', rest)
  }
  notSame(found, unwanted, ...rest) {
    return this.#is(!same(found, unwanted).match, 'notSame', rest)
  }
  strictSame(found, wanted, ...rest) {
    return this.#is(strict(found, wanted).match, 'strictSame', rest)
  }
  match(found, wanted, ...rest) {
    return this.#is(match(found, wanted).match, 'match', rest)
  }
  notMatch(found, unwanted, ...rest) {
    return this.#is(!match(found, unwanted).match, 'notMatch', rest)
  }
  type(found, kind, ...rest) {
    const holds = typeof kind === 'string' ? typeof found === kind : found instanceof kind
    return this.#is(holds, 'type', rest)
  }
  throws(body, ...rest) {
    try {
      body()
    } catch (error) {
      return this.#isError(error, 'throws', rest)
    }
    return this.#is(false, 'throws', rest)
  }
  doesNotThrow(body, ...rest) {
    try {
      return body()
    } catch {
      return this.#is(false, 'doesNotThrow', rest)
    }
  }
  async rejects(promise, ...rest) {
    try {
      await (typeof promise === 'function' ? promise() : promise)
    } catch (caught) {
      return this.#isError(caught, 'rejects', rest)
    }
    return this.#is(false, 'rejects', rest)
  }
  async resolves(promise, ...rest) {
    try {
      return await (typeof promise === 'function' ? promise() : promise)
    } catch {
      return this.#is(false, 'resolves', rest)
    }
  }

  #isError(error, assertion, [wanted, ...rest]) {
    if (wanted === undefined || typeof wanted === 'string') return true
    // As in tap, a name that the error inherits from its class counts as its own.
    if (error?.name) {
      const name = { value: `${error.name}`, enumerable: true, configurable: true, writable: true }
      Object.defineProperty(error, 'name', name)
    }
    const found = wanted instanceof RegExp ? error.message : error
    return this.#is(match(found, wanted).match, assertion, rest)
  }
}

/** The `t` of `import t from 'tap'`, for the file that is being loaded. */
export default new Proxy(
  {},
  {
    get: (_, name) => {
      const value = run.top[name]
      return typeof value === 'function' ? value.bind(run.top) : value
    },
  },
)
