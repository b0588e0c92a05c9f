import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Compares secrets in a time that reveals neither the length of a common prefix nor the length of
 * the expected value.
 */
export function secretsEqual(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}
