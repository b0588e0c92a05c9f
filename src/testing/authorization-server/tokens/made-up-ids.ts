import { createHash } from 'node:crypto'

/** The start of a number that is always the same for the same name, in so many hex digits. */
export function hexId(name: string, digits: number): string {
  return createHash('sha256').update(name).digest('hex').slice(0, digits)
}

/** A UUID (RFC 9562 §5.8) that is always the same for the same name. */
export function uuidOf(name: string): string {
  const hex = hexId(name, 32)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20),
  ].join('-')
}
