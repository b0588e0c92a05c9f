/** Thumbprints: SHA-256 in base64url. */
import { hash, timingSafeEqual } from 'node:crypto'

export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'base64url')
}

/** In constant time, as far as their length goes. */
export function areEqualThumbprints(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
