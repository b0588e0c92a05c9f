/**
 * Seals what is kept outside of the process (AES-256-GCM): whoever can read it learns neither tokens
 * nor claims, and whoever can write there can make no token good, nor move one token's answer to
 * another. They can only put back what was sealed for the same token, while it is still in time.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

const CIPHER = 'aes-256-gcm'
const VERSION = 'fastify-resource-server introspection 1'
const IV_BYTES = 12
const TAG_BYTES = 16
/** Sealed, the longest answer that an issuer may give has less, unless its numbers are odd. */
const MAX_LENGTH = 131_072

export class Seal {
  readonly #nameKey: Buffer
  readonly #sealKey: Buffer

  /** @param context what else must be the same: entries of one are nothing to another. */
  constructor(secret: Uint8Array, context: readonly string[]) {
    const info = JSON.stringify([VERSION, ...context])
    const keys = Buffer.from(hkdfSync('sha256', secret, '', info, 64))
    this.#nameKey = keys.subarray(0, 32)
    this.#sealKey = keys.subarray(32)
  }

  /** What the entry of a token is called, for whoever has the secret and nobody else. */
  nameOf(digest: string): string {
    return createHmac('sha256', this.#nameKey).update(digest).digest('base64url')
  }

  /** `undefined` if it is too long to be opened. */
  seal(digest: string, text: string): string | undefined {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(CIPHER, this.#keyOf(digest), iv, { authTagLength: TAG_BYTES })
    const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final()])
    const whole = Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url')
    return whole.length > MAX_LENGTH ? undefined : whole
  }

  /** `undefined` if it was not sealed here, or not for this token. */
  open(digest: string, sealed: unknown): string | undefined {
    if (typeof sealed !== 'string' || sealed.length > MAX_LENGTH) return undefined
    const bytes = Buffer.from(sealed, 'base64url')
    if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
    const [iv, tag] = [bytes.subarray(0, IV_BYTES), bytes.subarray(-TAG_BYTES)]
    const decipher = createDecipheriv(CIPHER, this.#keyOf(digest), iv, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(tag)
    try {
      const text = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES))
      return Buffer.concat([text, decipher.final()]).toString('utf8')
    } catch {
      return undefined
    }
  }

  /** One for each token: it is what ties an answer to its token. */
  #keyOf(digest: string): Buffer {
    return createHmac('sha256', this.#sealKey).update(digest).digest()
  }
}
