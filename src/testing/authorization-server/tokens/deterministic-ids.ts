import { createHash } from 'node:crypto'

/**
 * Returns an id of `digits` hexadecimal digits, at most 64. The id depends only on the name, so
 * that it is the same in every run.
 */
export function hexId(name: string, digits: number): string {
  return createHash('sha256').update(name).digest('hex').slice(0, digits)
}

/** Returns a UUID of version 8 (RFC 9562 §5.8) that depends only on the name. */
export function uuidFor(name: string): string {
  const hex = hexId(name, 32)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20),
  ].join('-')
}
