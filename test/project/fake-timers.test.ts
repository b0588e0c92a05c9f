import t from 'tap'
import { fakeTimers } from '../fixtures/fake-timers.js'

t.test('fake timers can clear timers that were started before', async (t) => {
  let fired = false
  const before = setTimeout(() => {
    fired = true
  }, 1)
  await t.test('while the timers are fakes', async (t) => {
    fakeTimers(t)
    clearTimeout(before)
  })
  await new Promise((resolve) => setTimeout(resolve, 10))
  t.notOk(fired)
})
