import { randomBytes } from 'node:crypto'

/** Returns an opaque token that cannot be guessed: 256 random bits in base64url. */
export function opaqueToken(): string {
  return randomBytes(32).toString('base64url')
}
