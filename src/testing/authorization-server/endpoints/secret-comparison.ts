import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Whether two secrets are equal. Compares hashes in constant time, so that the duration does not
 * reveal how many leading characters of the given secret are correct.
 */
export function secretsEqual(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}
