/** How many proofs of one key are counted over time. */
import t from 'tap'
import { PerKeyQuota, QuotaExceededError } from '../../../src/binding/dpop/per-key-quota.js'

const LIFE = 1_000

function start() {
  const clock = { now: 50_000 }
  const shares = new PerKeyQuota({
    maxEntriesPerKey: 10,
    windowMs: LIFE,
    monotonicNow: () => clock.now,
  })
  /** Adds as many entries for the key as its quota allows, up to `most`. */
  const take = (key: string, most = 100) => {
    for (let i = 0; i < most; i++) {
      try {
        shares.assertAvailable(key)
      } catch (error) {
        t.ok(error instanceof QuotaExceededError)
        return i
      }
      shares.count(key)
    }
    return most
  }
  return { clock, shares, take }
}

t.test('P5: each key has its own quota', async (t) => {
  const { shares, take } = start()
  t.equal(take('a'), 10)
  t.equal(take('a'), 0)
  t.equal(take('b'), 10, 'regardless of other keys')
  t.throws(() => shares.assertAvailable('a'), {
    name: 'QuotaExceededError',
    code: 'quota_exceeded',
    message: 'proof quota of one key exceeded (dpop.replay.maxEntriesPerKey = 10)',
  })
})

t.test('E30: a key never has more unexpired entries than its quota', async (t) => {
  for (const offset of [0, 1, 60, 124, 125, 500, 999]) {
    const { clock, take } = start()
    clock.now += offset
    const taken: number[] = []
    let most = 0
    // As fast as possible, for several windows.
    for (let i = 0; i < 600; i++, clock.now += 7) {
      for (let n = take('a'); n > 0; n--) taken.push(clock.now)
      most = Math.max(most, taken.filter((at) => at > clock.now - LIFE).length)
    }
    t.equal(most, 10, `never more, ${offset} ms after a slice began`)
    t.ok(taken.length >= 30, 'and the quota is available again')
  }
})

t.test('P5: used quota is available again after nine eighths of the window', async (t) => {
  const { clock, take } = start()
  t.equal(take('a', 5), 5)
  clock.now += LIFE / 2
  t.equal(take('a'), 5)
  clock.now += LIFE / 2
  t.equal(take('a'), 0, 'the first five may count until the slice ends')
  clock.now += LIFE / 8
  t.equal(take('a'), 5)
  clock.now += LIFE / 2
  t.equal(take('a'), 5, 'and the others half a window later')
})

t.test('P5: the whole quota is available after two windows', async (t) => {
  for (const pause of [2 * LIFE, 5 * LIFE]) {
    const { clock, take } = start()
    t.equal(take('a'), 10)
    clock.now += pause
    t.equal(take('a'), 10, `${pause}`)
  }
})

t.test('P5: a count without an earlier check advances the window as well', async (t) => {
  const { clock, shares, take } = start()
  for (let i = 0; i < 4; i++) shares.count('a')
  clock.now += LIFE / 4
  for (let i = 0; i < 3; i++) shares.count('a')
  t.equal(take('a'), 3, 'four of the previous slice, three of the current')
})

t.test('P5: released quota can be used again, in the next slice as well', async (t) => {
  const { clock, shares, take } = start()
  shares.release('unknown-key')
  t.equal(take('a'), 10)
  shares.release('a')
  t.equal(take('a'), 1)
  clock.now += LIFE
  t.equal(take('a'), 0)
  shares.release('a')
  t.equal(take('a'), 1)
  shares.release('a')
  t.equal(take('a'), 1, 'of the current slice first')
  const { clock: later, shares: others, take: takeOther } = start()
  t.equal(takeOther('b', 1), 1)
  later.now += 5 * LIFE
  others.release('b')
  t.equal(takeOther('b'), 10, 'and not of an ended slice')
})
