import { createHash } from 'node:crypto'
import t from 'tap'
import { AdmissionFilter } from '../../src/pipeline/admission-filter.js'

/** Pseudo-random numbers, the same on every run. */
function fingerprints(count: number, salt = ''): number[] {
  return Array.from({ length: count }, (_, i) => {
    return createHash('sha256').update(`${salt}${i}`).digest().readUInt32BE() & 0x3fff_ffff
  })
}

t.test('distinguishes recorded from new fingerprints', async (t) => {
  const filter = new AdmissionFilter(100)
  for (const fingerprint of [0, 1, 31, 32, 0x3fff_fffe]) {
    t.notOk(filter.admit(fingerprint), `${fingerprint}, new`)
    t.ok(filter.admit(fingerprint), `${fingerprint}, again`)
  }
})

t.test('remembers at least as many fingerprints as its capacity', async (t) => {
  for (const capacity of [128, 1_000, 20_000]) {
    const filter = new AdmissionFilter(capacity)
    const all = fingerprints(capacity)
    for (const fingerprint of all) filter.admit(fingerprint)
    t.ok(
      all.every((fingerprint) => filter.admit(fingerprint)),
      `${capacity}`,
    )
  }
})

t.test('forgets a fingerprint not repeated while twice the capacity was recorded', async (t) => {
  const filter = new AdmissionFilter(1_000)
  const [old, others] = [fingerprints(100), fingerprints(3_000, 'other')]
  for (const fingerprint of [...old, ...others]) filter.admit(fingerprint)
  const known = old.filter((fingerprint) => filter.admit(fingerprint)).length
  t.ok(known < 40, `${known} of 100 are still found`)
})

t.test('never forgets a fingerprint that recurs regularly', async (t) => {
  const filter = new AdmissionFilter(1_000)
  const [regular] = fingerprints(1) as [number]
  filter.admit(regular)
  for (const [i, other] of fingerprints(50_000, 'other').entries()) {
    filter.admit(other)
    if (i % 500 === 0 && !filter.admit(regular)) t.fail(`forgotten after ${i}`)
  }
})

t.test(
  'has a false-positive rate of at most one in four, regardless of the number of tokens',
  async (t) => {
    // 2,048 is the worst case: eight bits per token are exactly a power of two, so none is added.
    for (const capacity of [128, 2_048, 20_000]) {
      let taken = 0
      const filter = new AdmissionFilter(capacity)
      const others = fingerprints(capacity * 6)
      for (const [i, other] of others.entries()) {
        // After both generations are full.
        if (filter.admit(other) && i >= capacity * 2) taken++
      }
      const share = taken / (capacity * 4)
      t.ok(share < 0.25, `${capacity}: ${(share * 100).toFixed(1)} %`)
    }
  },
)
