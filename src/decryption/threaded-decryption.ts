/**
 * Decrypts tokens in the thread of the process. If the thread cannot be started or ends, tokens are
 * decrypted on the event loop: no token is lost.
 */
import { type Decryption, decryptWith, keysAt } from './decrypt-with.js'
import {
  DecryptionThread,
  type KeyRing,
  type LoadedKeyRing,
  type ThreadRequest,
} from './decryption-thread.js'

export class ThreadedDecryption {
  readonly #keyRing: KeyRing
  readonly #onFailure: (error: unknown) => void
  #thread: { readonly shared: DecryptionThread; readonly loaded: LoadedKeyRing } | undefined
  #isOnEventLoop = false

  /** @param onFailure called once if there is no thread, or no more. Must not throw. */
  constructor(keyRing: KeyRing, onFailure: (error: unknown) => void) {
    this.#keyRing = keyRing
    this.#onFailure = onFailure
  }

  /** Tries the keys of a request in their order. Never rejects. */
  decrypt(request: ThreadRequest): Promise<Decryption> {
    if (!this.#isOnEventLoop) this.#start()
    const decryptHere = () => this.#decryptHere(request)
    if (this.#thread === undefined) return decryptHere()
    const { shared, loaded } = this.#thread
    return shared.decrypt(loaded, request, decryptHere)
  }

  /** Removes the keys from the thread. Later decryptions run on the event loop. */
  async close(): Promise<void> {
    const thread = this.#thread
    this.#isOnEventLoop = true
    this.#thread = undefined
    await thread?.shared.forget(thread.loaded)
  }

  #start(): void {
    if (this.#thread !== undefined) return
    try {
      const shared = DecryptionThread.shared()
      const loaded = shared.load(this.#keyRing, (error) => this.#fail(error))
      this.#thread = { shared, loaded }
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#isOnEventLoop = true
    this.#thread = undefined
    this.#onFailure(error)
  }

  #decryptHere({ raw, keyIndexes }: ThreadRequest): Promise<Decryption> {
    const { keys, contentEncryptionAlgorithms } = this.#keyRing
    return decryptWith(keysAt(keys, keyIndexes), contentEncryptionAlgorithms, raw)
  }
}
