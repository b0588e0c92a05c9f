/** The spread of the buckets over the slots of a Redis Cluster. */
import t from 'tap'
import { BUCKETS, bucketOf, bucketTags, slotOf } from '../../src/stores/redis-slots.js'

t.test('computes slots as CLUSTER KEYSLOT does', async (t) => {
  // From the Redis Cluster specification, and from CLUSTER KEYSLOT of Redis 7.0.
  for (const [text, slot] of [
    ['123456789', 12_739],
    ['foo', 12_182],
    ['revocations', 10_721],
    ['', 0],
  ] as const) {
    t.equal(slotOf(text), slot, text)
  }
})

t.test('the tag of a bucket never changes, because it is part of keys in Redis', async (t) => {
  const tags = bucketTags()
  t.strictSame(tags.slice(0, 8), ['4872', '2631', '5711', '14', '2274', '2635', '2100', '856'])
  t.equal(new Set(tags).size, BUCKETS)
  for (const [bucket, tag] of tags.entries()) t.equal(bucketOf(tag), bucket)
})

t.test('three to thirty masters get the same number of buckets within 6 %', async (t) => {
  const slots = bucketTags().map(slotOf)
  for (let masters = 3; masters <= 30; masters++) {
    for (let i = 0; i < masters; i++) {
      const [from, to] = [i, i + 1].map((k) => Math.round((k * 16_384) / masters)) as [
        number,
        number,
      ]
      const count = slots.filter((slot) => slot >= from && slot < to).length
      const deviation = Math.abs(count / (BUCKETS / masters) - 1)
      t.ok(deviation < 0.06, `${masters} masters: ${count} buckets`)
    }
  }
})
