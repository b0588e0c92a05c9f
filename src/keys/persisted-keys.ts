/**
 * Loads and saves the key set of one issuer in a {@link KeyStore}. Failures are reported and have
 * no other effect.
 */
import { ownMembers } from '../base/plain-object.js'
import { withinDeadline } from '../http/deadline.js'
import { loggable } from '../stores/store-error.js'
import { importKeySet, type KeySet } from './key-set.js'
import type { KeyStore, StoredKeySet } from './key-store.js'

export interface PersistedKeysOptions {
  readonly store: KeyStore
  readonly issuer: string
  /** The option `jwksUri`. A set that was saved for another URL is not trusted. */
  readonly jwksUri: string | undefined
  readonly maxKeys: number
  /** Time limit of one store call, in milliseconds. */
  readonly timeout: number
  /** Called if a load or a save fails, or if a stored set is ignored. Must not throw. */
  readonly onFailure: (what: 'load' | 'save', error: unknown) => void
  /** Called if a save succeeds after a failure. Must not throw. */
  readonly onRecovery: () => void
}

export class PersistedKeys {
  readonly #options: PersistedKeysOptions
  #next: StoredKeySet | undefined
  #saving: Promise<void> | undefined
  #isFailing = false

  constructor(options: PersistedKeysOptions) {
    this.#options = options
  }

  /**
   * Returns the saved key set; `undefined` if there is none, or if it is malformed, belongs to
   * another issuer or `jwksUri`, or is not usable any more, or if the store fails. Never rejects.
   */
  async restore(
    closing: AbortSignal,
    isUsable: (fetchedAt: number) => boolean,
  ): Promise<{ keys: KeySet; fetchedAt: number } | undefined> {
    const { store, issuer, jwksUri, maxKeys, timeout } = this.#options
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
          `stored key set ignored: it is malformed, or was saved for another issuer than ${issuer} or another "jwksUri"`,
        )
      }
      if (!isUsable(stored.fetchedAt)) {
        throw new Error(
          `stored key set of ${issuer} ignored: its "fetchedAt" is in the future, or longer ago than "jwks.cacheMaxAge" + "jwks.staleIfError"`,
        )
      }
      return { keys: await importKeySet(stored.jwks, maxKeys), fetchedAt: stored.fetchedAt }
    } catch (error) {
      this.#failed('load', error)
      return undefined
    }
  }

  /** Saves the key set in the background, so that no request waits. */
  save(jwks: unknown, fetchedAt: number): void {
    const { issuer, jwksUri } = this.#options
    this.#next = { issuer, ...(jwksUri !== undefined && { jwksUri }), fetchedAt, jwks }
    this.#saving ??= this.#saveNext()
  }

  /** Resolves once all pending saves have succeeded or failed. */
  async settled(): Promise<void> {
    await this.#saving
  }

  /**
   * Runs one save after another, so that the store keeps the key set fetched last. A save that
   * takes longer than `timeout` may still overlap with the next one.
   */
  async #saveNext(): Promise<void> {
    const { store, timeout, onRecovery } = this.#options
    for (let next = this.#next; next !== undefined; next = this.#next) {
      const keySet = next
      this.#next = undefined
      try {
        await withinDeadline(() => loggable(() => store.save(keySet)), { timeout })
        if (this.#isFailing) onRecovery()
        this.#isFailing = false
      } catch (error) {
        this.#failed('save', error)
      }
    }
    this.#saving = undefined
  }

  #failed(what: 'load' | 'save', error: unknown): void {
    this.#isFailing = true
    this.#options.onFailure(what, error)
  }
}
