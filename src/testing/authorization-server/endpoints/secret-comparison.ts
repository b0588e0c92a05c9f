import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares in a time that tells neither how much is equal nor how long the expected value is. */
export function sameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}
