/**
 * Spreads keys over the masters of a Redis Cluster. A Cluster assigns each of its 16,384 slots to a
 * master, and hashes only the text in braces (the hash tag) of a key. Scripts may only use keys of
 * one slot, so entries are spread over buckets, each with a hash tag.
 */

const SLOTS = 16_384

/** Number of buckets. Up to 30 masters with an equal number of slots are loaded within 6 %. */
export const BUCKETS = 512

const SLOTS_PER_BUCKET = SLOTS / BUCKETS

/** Returns the slot of a hash tag, or of a key without a hash tag: CRC-16/XMODEM modulo 16,384. */
export function slotOf(text: string): number {
  let crc = 0
  for (let i = 0; i < text.length; i++) {
    crc = ((crc << 8) ^ (CRC_TABLE[(crc >> 8) ^ text.charCodeAt(i)] as number)) & 0xffff
  }
  return crc % SLOTS
}

/** Returns the number of the bucket of an ASCII key. */
export function bucketOf(key: string): number {
  return Math.floor(slotOf(key) / SLOTS_PER_BUCKET)
}

/**
 * Returns the hash tag of each bucket. The slots of the tags are evenly spaced: each is within four
 * slots of the middle of its bucket's share. Numbers counted up from 0 would put up to 36 % more or
 * fewer buckets on a master. The tags are part of the keys in Redis, so every instance must compute
 * the same ones.
 */
export function bucketTags(): readonly string[] {
  const tags: string[] = Array.from({ length: BUCKETS })
  let missing = BUCKETS
  for (let number = 0; missing > 0; number++) {
    const tag = `${number}`
    const bucket = bucketOf(tag)
    const distance = Math.abs((slotOf(tag) % SLOTS_PER_BUCKET) - SLOTS_PER_BUCKET / 2)
    if (distance > 4 || tags[bucket] !== undefined) continue
    tags[bucket] = tag
    missing--
  }
  return tags
}

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})
