/** Decrypts a token with the first of several keys that can. Runs on the event loop or in a thread. */
import type { KeyObject } from 'node:crypto'
import { compactDecrypt } from 'jose/jwe/compact/decrypt'

/** What a thread needs of a `DecryptionKey`. */
export interface ThreadKey {
  readonly material: KeyObject
  readonly algorithms: readonly string[]
}

/** The result of trying to decrypt a token. */
export interface Decryption {
  /** The plaintext, one character per byte; `undefined` if no key decrypts the token. */
  readonly plaintext: string | undefined
  /** The number of keys that were tried. */
  readonly attempts: number
}

/** Returns the keys with these indexes. */
export function keysAt(keys: readonly ThreadKey[], indexes: readonly number[]): ThreadKey[] {
  return keys.filter((_, index) => indexes.includes(index))
}

/** Tries one key after the other. Never rejects. */
export async function decryptWith(
  keys: readonly ThreadKey[],
  contentEncryptionAlgorithms: readonly string[],
  raw: string,
): Promise<Decryption> {
  let attempts = 0
  for (const { material, algorithms } of keys) {
    attempts++
    // jose reads inherited members of the options as well.
    const options = Object.assign(Object.create(null), {
      keyManagementAlgorithms: algorithms,
      contentEncryptionAlgorithms,
    })
    try {
      const { plaintext } = await compactDecrypt(raw, material, options)
      return { plaintext: Buffer.from(plaintext).toString('latin1'), attempts }
    } catch {
      // jose's error says which step failed, which the caller must not learn.
    }
  }
  return { plaintext: undefined, attempts }
}
