/** What a flood of tokens that nobody knows can do, and what it can't. */
import t, { type Test } from 'tap'
import { Turns } from '../../src/introspection/turns.js'
import { introspectorOf, startIntrospectionServer } from '../fixtures/introspection-server.js'

function turns({ width = 50, timeout = 5_000 } = {}) {
  const state = { width }
  return { state, turns: new Turns({ width: () => state.width, timeout }) }
}

/** Lets everything that needs no time happen. */
const settle = () => new Promise(setImmediate)

async function flood(t: Test, overrides = {}) {
  const server = await startIntrospectionServer(t)
  server.state.tokens.set('good', { active: true })
  return { server, ...(await introspectorOf(t, server, overrides)) }
}

t.test('ten thousand tokens of garbage become no flood at the issuer', async (t) => {
  const { server, clock, outcome, failures } = await flood(t, { maxAge: 1_000, timeout: 60_000 })
  t.equal(await outcome('good'), 'active')
  const release = server.hold()
  const counts = { active: 0, refused: 0, unavailable: 0 }
  const garbage = Array.from({ length: 10_000 }, async (_, i) => {
    counts[await outcome(`garbage-${i}`)]++
  })
  while (server.questions.length < 41) await new Promise((done) => setTimeout(done, 5))
  clock.now += 1_000
  const again = outcome('good')
  while (server.asked('good') < 2) await new Promise((done) => setTimeout(done, 5))
  t.equal(server.questions.length, 42, 'places are free for those who are known')
  t.strictSame(counts, { active: 0, refused: 0, unavailable: 8_960 }, 'refused at once')
  release()
  t.equal(await again, 'active', 'who is known is served in the middle of it')
  await Promise.all(garbage)
  t.strictSame(counts, { active: 0, refused: 1_040, unavailable: 8_960 })
  t.equal(server.state.mostUnderWay, 41)
  t.equal(failures.length, 1)
  t.match(failures, [{ failure: { of: 'ours', message: /too many tokens/ }, retryIn: 0 }])
})

t.test('places are kept for those who are known', async (t) => {
  const { turns: these } = turns()
  const begun: string[] = []
  const take = (standing: 'known' | 'background' | 'stranger') =>
    these.take(standing).then((leave) => {
      begun.push(standing)
      return leave
    })
  const strangers = Array.from({ length: 60 }, () => take('stranger'))
  await settle()
  t.equal(begun.length, 40)
  void take('background')
  for (let i = 0; i < 15; i++) void take('known')
  await settle()
  t.equal(begun.filter((one) => one === 'known').length, 10)
  t.notOk(begun.includes('background'))
  for (const index of [0, 1, 2, 3, 4, 5]) (await (strangers[index] as Promise<() => void>))()
  await settle()
  t.strictSame(begun.slice(50), [...Array(5).fill('known'), 'background'], 'they go first')
})

t.test('whoever waits too long is refused, and waits no more', async (t) => {
  const { turns: these } = turns({ width: 1, timeout: 20 })
  // The timer of one who waits keeps no process alive.
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const leave = await these.take('stranger')
  t.match(await these.take('stranger').catch((failure) => failure), { of: 'ours' })
  const next = these.take('stranger')
  leave()
  t.type(await next, 'function')
})

t.test('nobody who comes later goes ahead of those who wait', async (t) => {
  const { state, turns: these } = turns({ width: 1 })
  const order: number[] = []
  const enter = async (name: number) => {
    const leave = await these.take('stranger')
    order.push(name)
    return leave
  }
  const first = await enter(0)
  const second = enter(1)
  state.width = 2
  const third = enter(2)
  await settle()
  t.strictSame(order, [0])
  first()
  await Promise.all([second, third])
  t.strictSame(order, [0, 1, 2])
})
