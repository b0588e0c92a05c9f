import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Whether two secrets are equal. The duration of the comparison reveals neither the length of a
 * common prefix nor the length of the expected secret.
 */
export function secretsEqual(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}
