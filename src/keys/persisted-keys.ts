/**
 * The key set of one issuer in a {@link KeyStore}: failures are reported and have no other effect.
 */
import { ownMembers } from '../base/plain-object.js'
import { withinDeadline } from '../http/deadline.js'
import { loggable } from '../stores/store-error.js'
import { importKeySet, type KeySet } from './key-set.js'
import type { KeyStore, StoredKeySet } from './key-store.js'

export interface PersistedKeysOptions {
  readonly store: KeyStore
  readonly issuer: string
  /** The configured address of the key set: a set saved for another address is not trusted. */
  readonly jwksUri: string | undefined
  readonly maxKeys: number
  /** Time limit of one store call, in milliseconds. */
  readonly timeout: number
  /** Must not throw. */
  readonly onFailure: (what: 'load' | 'save', error: unknown) => void
}

export class PersistedKeys {
  readonly #options: PersistedKeysOptions
  #next: StoredKeySet | undefined
  #saving: Promise<void> | undefined

  constructor(options: PersistedKeysOptions) {
    this.#options = options
  }

  /** Loads the saved key set if it is complete, belongs to the issuer and is not too old. */
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
        throw new Error(
          `stored key set ignored: it is malformed, or not of the issuer ${issuer} and its "jwksUri"`,
        )
      }
      if (!isUsable(stored.fetchedAt)) {
        throw new Error(
          `stored key set of ${issuer} ignored: its "fetchedAt" is in the future or too long ago`,
        )
      }
      return { keys: await importKeySet(stored.jwks, maxKeys), fetchedAt: stored.fetchedAt }
    } catch (error) {
      onFailure('load', error)
      return undefined
    }
  }

  /** Saves in the background: no request waits for it. */
  save(jwks: unknown, fetchedAt: number): void {
    const { issuer, jwksUri } = this.#options
    this.#next = { issuer, ...(jwksUri !== undefined && { jwksUri }), fetchedAt, jwks }
    this.#saving ??= this.#saveNext()
  }

  /** Resolves once all pending saves have succeeded or failed. */
  async settled(): Promise<void> {
    await this.#saving
  }

  /** Saves run one after another, so that the key set fetched last remains. */
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
