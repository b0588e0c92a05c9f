/**
 * What the tests use of tap, for many runs in one process: the verdicts are those of tap's own
 * `tcompare`, the first failure ends a run, and a run may be confined to some tests of a file.
 *
 * Tests of the top level run one after another, once the file is loaded or as soon as one of them is
 * awaited.
 */
import { match, same, strict } from 'tcompare'

class Failed extends Error {}

/** Also while a test has replaced it. */
export const now = performance.now.bind(performance)

let run

/**
 * With `all`, a failure ends the test that it is in and no other. `onTest(index)` is told of each test of the top level, and of
 * `undefined` when it ends.
 */
export function begin({ only, all, onTest }) {
  run = { only, all, onTest, failure: undefined, failures: 0, tests: [], waiting: [] }
  run.failed = new Promise((resolve) => {
    run.tellFailed = resolve
  })
  run.top = new Test(run, 'the file')
  return run
}

export function fail(one, reason) {
  one.failure ??= String(reason?.message ?? reason)
  if (!one.all) one.tellFailed()
}

/** To be called when the file is loaded: what was not awaited runs now. */
export async function finish(one) {
  await drain(one)
  await one.top.end()
}

function drain(one) {
  one.running ??= (async () => {
    for (let next = one.waiting.shift(); next; next = one.waiting.shift()) await next()
    one.running = undefined
  })()
  return one.running
}

/** A test of the top level starts when it is awaited, or when the file is loaded. */
function queued(one, name, body) {
  const index = one.tests.length
  one.tests.push({ index, name, ms: 0, cpu: 0 })
  if (one.only !== undefined && !one.only.has(index)) return Promise.resolve()
  let over
  const done = new Promise((resolve) => {
    over = resolve
  })
  one.waiting.push(async () => {
    if (one.failure === undefined) {
      one.onTest?.(index)
      const begun = now()
      const before = process.cpuUsage()
      await perform(one, name, body)
      const told = one.tests[index]
      told.ms = now() - begun
      const { user, system } = process.cpuUsage(before)
      told.cpu = (user + system) / 1_000
      if (one.all && one.failure !== undefined) {
        told.failed = one.failure
        one.failures++
        one.failure = undefined
      }
      one.onTest?.(undefined)
    }
    over()
  })
  return { then }

  function then(...handlers) {
    drain(one)
    return done.then(...handlers)
  }
}

async function perform(one, name, body) {
  const test = new Test(one, name)
  try {
    await body(test)
  } catch (error) {
    fail(one, error)
  }
  await test.end()
}

class Test {
  #run
  #teardowns = []
  #children = []

  constructor(one, name) {
    this.#run = one
    this.name = name
  }

  test(name, ...rest) {
    const body = rest.at(-1)
    if (rest.length > 1 && rest[0].skip) return Promise.resolve()
    if (this === this.#run.top) return queued(this.#run, name, body)
    if (this.#run.failure !== undefined) throw new Failed('over')
    const before = this.#children.at(-1)
    const child = (before ?? Promise.resolve()).then(() => perform(this.#run, name, body))
    this.#children.push(child)
    return child
  }

  teardown(cleanUp) {
    this.#teardowns.push(cleanUp)
  }

  /** A member of an object is another one until the test is over. */
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

  #is(holds, what, rest) {
    if (holds) return true
    const failure = new Failed(
      `${this.name}: ${rest.find((one) => typeof one === 'string') ?? what}`,
    )
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

  #isError(error, what, [wanted, ...rest]) {
    if (wanted === undefined || typeof wanted === 'string') return true
    // As tap does: a name that the class gives counts as the error's own.
    if (error?.name) {
      const name = { value: `${error.name}`, enumerable: true, configurable: true, writable: true }
      Object.defineProperty(error, 'name', name)
    }
    const found = wanted instanceof RegExp ? error.message : error
    return this.#is(match(found, wanted).match, what, rest)
  }
}

/** The `t` of `import t from 'tap'`: whichever file is being loaded. */
export default new Proxy(
  {},
  {
    get: (_, name) => {
      const value = run.top[name]
      return typeof value === 'function' ? value.bind(run.top) : value
    },
  },
)
