/**
 * Decrypts access tokens: a signed JWT in a JWE in compact serialization (RFC 7516 §7.1, RFC 7519
 * §5.2). The plaintext is as untrusted as any token, because anyone can encrypt with a public key:
 * the caller must verify its signature and claims.
 *
 * Invariants: no key is used before the header is checked. All failed decryptions have the same
 * error, so that a caller cannot learn which step failed. Decryptions in flight are bounded.
 */
import { DecryptionUnavailableError, InvalidTokenError } from '../errors/errors.js'
import { describe } from '../errors/rejection-reason.js'
import { isRejection, type Rejection, type StepResult } from '../errors/result.js'
import type { Counters } from '../observability/statistics.js'
import { decodeBase64url } from '../token/base64url.js'
import { MALFORMED, malformed } from '../token/jose-header.js'
import type { DecryptionKey, KeyManagementAlgorithm } from './decryption-key.js'
import { DecryptionSlots } from './decryption-slots.js'
import { type JweHeader, readJweHeader } from './jwe-header.js'
import type { ResolvedDecryption } from './options.js'
import type { ThreadedDecryption } from './threaded-decryption.js'

export interface DecrypterOptions extends ResolvedDecryption {
  /** Has the keys in the order of `keys`. */
  readonly decryption: ThreadedDecryption
  readonly counters: Counters
}

/** Maximum number of keys that are tried for one token. */
const MAX_TRIED_KEYS = 3

export class Decrypter {
  readonly #options: DecrypterOptions
  readonly #slots = new DecryptionSlots()

  constructor(options: DecrypterOptions) {
    this.#options = options
  }

  /** Returns a rejection if a JWT that is not encrypted must be rejected. */
  checkUnencrypted(): Rejection | undefined {
    if (!this.#options.required) return undefined
    return new InvalidTokenError('The access token is not encrypted', {
      check: 'decryption',
      expected: 'an encrypted token, because "decryption.required" is true',
    })
  }

  /**
   * Decrypts a token of five parts, whose length the caller has limited.
   *
   * @returns the plaintext as text, which the caller must parse and verify as a JWS; otherwise a
   *   rejection. If the result is a promise, it rejects with the rejection.
   */
  decrypt(raw: string): StepResult<string> {
    const header = this.#check(raw)
    if (isRejection(header)) return header
    const { alg, kid, curve } = header
    const candidates = keysFor(this.#options.keys, alg, kid)
    if (candidates.length === 0) return unknownKey(alg, kid)
    // jose imports an ephemeral key on the event loop, which takes 1 to 2 ms on the curve P-521,
    // before it rejects a curve that is not that of the private key.
    const keys = candidates
      .filter((key) => key.curve === undefined || key.curve === curve)
      .slice(0, MAX_TRIED_KEYS)
    if (keys.length === 0) return undecryptable()
    return (
      this.#slots.tryRun(() => this.#decryptWith(keys, raw)) ?? new DecryptionUnavailableError()
    )
  }

  #check(raw: string): JweHeader | Rejection {
    const [first = '', encryptedKey = '', ...others] = raw.split('.')
    // The encrypted key is empty with direct encryption (RFC 7516 §5.1).
    const isCanonical = [...(encryptedKey === '' ? [] : [encryptedKey]), ...others].every(
      (segment) => decodeBase64url(segment) !== undefined,
    )
    if (!isCanonical) return malformed(MALFORMED, 'canonical base64url')
    const header = readJweHeader(first)
    if (isRejection(header) || this.#options.contentEncryptionAlgorithms.has(header.enc)) {
      return header
    }
    return new InvalidTokenError('The access token is encrypted with an unaccepted algorithm', {
      check: 'decryption',
      expected: `"enc": ${[...this.#options.contentEncryptionAlgorithms].join(' or ')}`,
    })
  }

  async #decryptWith(tried: readonly DecryptionKey[], raw: string): Promise<string> {
    const { keys, decryption, counters } = this.#options
    const keyIndexes = tried.map((key) => keys.indexOf(key))
    const { plaintext, attempts } = await decryption.decrypt({ raw, keyIndexes })
    counters.decryptions += attempts
    if (plaintext === undefined) throw undecryptable()
    return plaintext
  }

  /** Removes the keys from the thread. Later decryptions run on the event loop. */
  close(): Promise<void> {
    return this.#options.decryption.close()
  }
}

function undecryptable(): InvalidTokenError {
  return new InvalidTokenError('The access token cannot be decrypted', {
    check: 'decryption',
    expected: 'a token that was encrypted for a key of this API, and was not changed since',
  })
}

/**
 * Returns the keys that the token may be encrypted for: those with its `kid`, otherwise those
 * without `kid`; for a token without `kid`, all keys.
 */
function keysFor(
  keys: readonly DecryptionKey[],
  alg: string,
  kid: string | undefined,
): readonly DecryptionKey[] {
  const suitable = keys.filter((key) => key.algorithms.has(alg as KeyManagementAlgorithm))
  const named = suitable.filter((key) => key.kid === kid)
  const others = kid === undefined ? suitable : suitable.filter((key) => key.kid === undefined)
  return named.length > 0 && kid !== undefined ? named : others
}

function unknownKey(alg: string, kid: string | undefined): Rejection {
  return new InvalidTokenError('The access token is encrypted for an unknown key', {
    check: 'decryption',
    expected: 'the "kid" of a key in "decryption.keys", with an "alg" that the key accepts',
    found: describe({ alg, kid }),
  })
}
