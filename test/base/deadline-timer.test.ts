/** Deadlines that do not mistake a stall of this process for an outage of a server. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { startDeadline } from '../../src/base/deadline-timer.js'
import { withinDeadline } from '../../src/http/deadline.js'
import { redisStore } from '../../src/index.js'
import { connected, FakeIoRedis, FakeRedis } from '../fixtures/fake-redis.js'

/** Blocks the event loop of this process. */
function stall(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

/** An HTTP server in another thread, which responds while this event loop is blocked. */
async function otherThread(delayMs: number): Promise<{ url: string; stop(): Promise<number> }> {
  const code = `
    const { parentPort } = require('node:worker_threads')
    require('node:http')
      .createServer((_, response) => setTimeout(() => response.end('{}'), ${delayMs}))
      .listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port) })`
  const worker = new Worker(code, { eval: true })
  const port = await new Promise((resolve) => worker.once('message', resolve))
  return { url: `http://127.0.0.1:${port}/`, stop: () => worker.terminate() }
}

/** Replaces the timers and the clock. @returns a function that simulates a stall. */
function fakeClock(t: Test): (milliseconds: number) => void {
  let now = 0
  t.intercept(performance, 'now', { value: () => now })
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  return (milliseconds) => {
    now += milliseconds
    mock.timers.tick(milliseconds)
  }
}

t.test('fires after the timeout, unless stopped', async (t) => {
  const advance = fakeClock(t)
  let fired = 0
  startDeadline(100, () => fired++, { keepsAlive: true })
  startDeadline(50, t.fail)()
  for (let passed = 1; passed < 100; passed++) advance(1)
  t.equal(fired, 0)
  advance(1)
  t.equal(fired, 1)
  advance(1_000)
  t.equal(fired, 1, 'once')
})

t.test('does not count a stall of the event loop, at any time', async (t) => {
  for (const before of [0, 30, 95]) {
    let isOver = false
    const stop = startDeadline(100, () => {
      isOver = true
    })
    await sleep(before)
    stall(300)
    // A response that has arrived is handled here.
    await new Promise((resolve) => setImmediate(resolve))
    t.notOk(isOver, `after ${before} ms`)
    if (before === 0) {
      // On a busy machine, the event loop stalls again.
      for (let i = 0; i < 100 && !isOver; i++) await sleep(100)
      t.ok(isOver, 'and it fires later')
    }
    stop()
  }
})

t.test('fires eventually if the event loop stalls all the time', async (t) => {
  const advance = fakeClock(t)
  let isOver = false
  startDeadline(100, () => {
    isOver = true
  })
  let stalls = 0
  for (; !isOver && stalls < 100; stalls++) advance(30)
  t.equal(stalls, 20, 'ten parts, and ten extra parts')
})

t.test('accepts an HTTP response that arrives during a stall', async (t) => {
  const server = await otherThread(50)
  t.teardown(() => server.stop())
  const exchange = (signal: AbortSignal) => fetch(server.url, { signal }).then((one) => one.json())
  await withinDeadline(exchange, { timeout: 2_000 })
  const response = withinDeadline(exchange, { timeout: 300 })
  await sleep(10)
  stall(700)
  t.strictSame(await response, {})
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  t.teardown(() => silent.closeAllConnections())
  t.teardown(() => silent.close())
  await new Promise((resolve) => silent.once('listening', resolve))
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`
  await t.rejects(
    withinDeadline((signal) => fetch(url, { signal }), { timeout: 100 }),
    {
      message: 'no complete response within 100 ms',
    },
  )
})

t.test('an exchange does not start after closing', async (t) => {
  const exchange = () => Promise.resolve(t.fail('started'))
  const closing = AbortSignal.abort(new Error('closed'))
  await t.rejects(withinDeadline(exchange, { timeout: 100, closing }), { message: 'closed' })
})

t.test('accepts a Redis reply that arrives during a stall', async (t) => {
  const redis = new FakeRedis()
  const store = redisStore({ client: await connected(new FakeIoRedis(redis)), timeout: 100 })
  // Handled in the poll phase of the event loop, like real replies.
  redis.onCommand = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 1))
  const reads = Array.from({ length: 20 }, () => store.get('a'))
  stall(700)
  t.strictSame(
    await Promise.all(reads),
    reads.map(() => undefined),
  )
})
