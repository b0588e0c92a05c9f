/** The queue of decryptions is bounded by its length and by the time that it takes. */
import t from 'tap'
import { DecryptionSlots } from '../../src/decryption/decryption-slots.js'

/** Returns how many of the decryptions, of this duration, are not rejected at once. */
async function accepted(slots: DecryptionSlots, count: number, decrypt: () => Promise<void>) {
  const runs = Array.from({ length: count }, () => slots.tryRun(decrypt))
  const started = runs.filter((run) => run !== undefined)
  await Promise.all(started)
  return started.length
}

let now = 0
const fast = async () => {}
const slow = async () => {
  now += 20
}

t.test('queues the requests of a busy API after a restart', async (t) => {
  const count = await accepted(new DecryptionSlots(() => now), 1_500, fast)
  t.ok(count >= 1_001 && count <= 1_004, `${count}`)
})

t.test('a first decryption that starts the thread does not shorten the queue', async (t) => {
  const slots = new DecryptionSlots(() => now)
  await slots.tryRun(async () => {
    now += 150
  })
  t.ok((await accepted(slots, 1_000, fast)) > 850)
})

t.test('queues fewer decryptions if they are slow, but at least 200', async (t) => {
  const slots = new DecryptionSlots(() => now)
  await accepted(slots, 100, slow)
  const count = await accepted(slots, 1_500, fast)
  t.ok(count >= 201 && count <= 250, `${count}`)
  t.ok((await accepted(slots, 1_500, fast)) > 900, 'more again, if they are fast again')
})
