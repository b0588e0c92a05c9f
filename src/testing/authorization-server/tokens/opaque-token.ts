import { randomBytes } from 'node:crypto'

/** A token that tells nothing and can't be guessed: 256 random bits in base64url. */
export function opaqueToken(): string {
  return randomBytes(32).toString('base64url')
}
