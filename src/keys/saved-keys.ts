/** The key set of one issuer in a {@link KeyStore}: what goes wrong there is told, and no more. */
import { ownMembers } from '../base/plain-object.js'
import { withinDeadline } from '../http/deadline.js'
import { loggable } from '../stores/store-error.js'
import { importKeySet, type KeySet } from './key-set.js'
import type { KeyStore, StoredKeySet } from './key-store.js'

export interface SavedKeysOptions {
  readonly store: KeyStore
  readonly issuer: string
  /** The configured address of the key set: one that was saved under another isn't trusted. */
  readonly jwksUri: string | undefined
  readonly maxKeys: number
  /** Milliseconds for one exchange with the store. */
  readonly timeout: number
  /** Must not throw. */
  readonly onFailure: (what: 'load' | 'save', error: unknown) => void
}

export class SavedKeys {
  readonly #options: SavedKeysOptions
  #next: StoredKeySet | undefined
  #saving: Promise<void> | undefined

  constructor(options: SavedKeysOptions) {
    this.#options = options
  }

  /** What was saved, if it is there, whole, the issuer's, and of an age that may be used. */
  async restore(
    closing: AbortSignal,
    isUsable: (fetchedAt: number) => boolean,
  ): Promise<{ keys: KeySet; fetchedAt: number } | undefined> {
    const { store, issuer, jwksUri, maxKeys, timeout, onFailure } = this.#options
    try {
      const saved = await withinDeadline(() => loggable(() => store.load(issuer)), {
        timeout,
        closing,
      })
      if (saved === undefined) return undefined
      const stored = ownMembers(saved)
      const fits = stored.issuer === issuer && stored.jwksUri === jwksUri
      if (!fits || !Number.isFinite(stored.fetchedAt)) {
        throw new Error(`what was saved is not a key set of ${issuer} as configured: it is ignored`)
      }
      if (!isUsable(stored.fetchedAt)) {
        throw new Error(`what was saved of ${issuer} is too old, or of the future: it is ignored`)
      }
      return { keys: await importKeySet(stored.jwks, maxKeys), fetchedAt: stored.fetchedAt }
    } catch (error) {
      onFailure('load', error)
      return undefined
    }
  }

  /** No request waits for it. */
  save(jwks: unknown, fetchedAt: number): void {
    const { issuer, jwksUri } = this.#options
    this.#next = { issuer, ...(jwksUri !== undefined && { jwksUri }), fetchedAt, jwks }
    this.#saving ??= this.#saveNext()
  }

  /** Once all that is to be saved is saved, or has failed. */
  async settled(): Promise<void> {
    await this.#saving
  }

  /** One after the other, so that what was fetched last is what stays. */
  async #saveNext(): Promise<void> {
    const { store, timeout, onFailure } = this.#options
    for (let next = this.#next; next !== undefined; next = this.#next) {
      const keySet = next
      this.#next = undefined
      try {
        await withinDeadline(() => loggable(() => store.save(keySet)), { timeout })
      } catch (error) {
        onFailure('save', error)
      }
    }
    this.#saving = undefined
  }
}
