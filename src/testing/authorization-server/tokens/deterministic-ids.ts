import { createHash } from 'node:crypto'

/** Returns an id derived from the name, the same for the same name, with `digits` hex digits. */
export function hexId(name: string, digits: number): string {
  return createHash('sha256').update(name).digest('hex').slice(0, digits)
}

/** Returns a UUID (RFC 9562 §5.8) derived from the name, the same for the same name. */
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
