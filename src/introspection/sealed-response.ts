/**
 * Encrypts and authenticates responses that are stored outside of the process (AES-256-GCM).
 *
 * An attacker who reads the store learns neither tokens nor claims. An attacker who writes to the
 * store can neither make a token valid nor move a response to another token. Such an attacker can
 * only remove responses, and replay a response to the same token within the response's lifetime.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

const CIPHER = 'aes-256-gcm'
const VERSION = 'fastify-resource-server introspection 1'
const IV_BYTES = 12
const TAG_BYTES = 16
/**
 * Maximum length of a sealed response, in characters. Fits every response that introspection
 * accepts, unless serializing it again makes it longer: numbers, or U+FFFD for invalid UTF-8.
 */
const MAX_LENGTH = 131_072

export class Seal {
  readonly #nameKey: Buffer
  readonly #sealKey: Buffer

  /**
   * @param context input of the key derivation (HKDF `info`): an entry sealed in one context does
   *   not open in another.
   */
  constructor(secret: Uint8Array, context: readonly string[]) {
    const info = JSON.stringify([VERSION, ...context])
    const keys = Buffer.from(hkdfSync('sha256', secret, '', info, 64))
    this.#nameKey = keys.subarray(0, 32)
    this.#sealKey = keys.subarray(32)
  }

  /** Returns the store key of a token, which cannot be computed without the secret. */
  nameOf(digest: string): string {
    return createHmac('sha256', this.#nameKey).update(digest).digest('base64url')
  }

  /** Returns the sealed text; `undefined` if it is longer than {@link open} accepts. */
  seal(digest: string, text: string): string | undefined {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(CIPHER, this.#keyOf(digest), iv, { authTagLength: TAG_BYTES })
    const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final()])
    const whole = Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url')
    return whole.length > MAX_LENGTH ? undefined : whole
  }

  /** Returns the text; `undefined` if another secret, context or token was used to seal it. */
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

  /** Derives one key per token, so that a response opens only for its token. */
  #keyOf(digest: string): Buffer {
    return createHmac('sha256', this.#sealKey).update(digest).digest()
  }
}
