/** The key set of one issuer in a {@link KeyStore}: what goes wrong there is told, and no more. */
import { withinDeadline } from './deadline.js'
import { importKeySet, type KeySet } from './key-set.js'
import type { KeyStore } from './key-store.js'

export interface SavedKeysOptions {
  readonly store: KeyStore
  readonly issuer: string
  readonly maxKeys: number
  /** Milliseconds for one exchange with the store. */
  readonly timeout: number
  readonly onFailure: (what: 'load' | 'save', error: unknown) => void
}

export class SavedKeys {
  readonly #options: SavedKeysOptions
  #saving: Promise<void> = Promise.resolve()

  constructor(options: SavedKeysOptions) {
    this.#options = options
  }

  /** What was saved, if it is there, whole, and the issuer's. */
  async restore(closing: AbortSignal): Promise<{ keys: KeySet; fetchedAt: number } | undefined> {
    const { store, issuer, maxKeys, timeout } = this.#options
    try {
      const stored = await withinDeadline(async () => store.load(issuer), { timeout, closing })
      if (stored === undefined) return undefined
      if (stored.issuer !== issuer || !Number.isFinite(stored.fetchedAt)) {
        throw new Error(`what was saved is not a key set of ${issuer}: it is ignored`)
      }
      return { keys: await importKeySet(stored.jwks, maxKeys), fetchedAt: stored.fetchedAt }
    } catch (error) {
      this.#tell('load', error)
      return undefined
    }
  }

  /** No request waits for it. */
  save(jwks: unknown, fetchedAt: number): void {
    const { store, issuer, timeout } = this.#options
    const saving = async () => store.save({ issuer, fetchedAt, jwks })
    this.#saving = withinDeadline(saving, { timeout }).catch((error) => this.#tell('save', error))
  }

  /** Once what is being saved is saved, or has failed. */
  async settled(): Promise<void> {
    await this.#saving
  }

  #tell(what: 'load' | 'save', error: unknown): void {
    try {
      this.#options.onFailure(what, error)
    } catch {
      // A log that is full is no reason to answer otherwise.
    }
  }
}
