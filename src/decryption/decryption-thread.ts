/**
 * Runs the thread in which this process decrypts tokens. On the event loop, a decryption with jose
 * takes ten times as much time as passing the token to the thread, and every caller without a valid
 * token can cause one.
 */
import { Worker } from 'node:worker_threads'
import type { Decryption, ThreadKey } from './decrypt-with.js'

/** A message to the thread: a key ring to load or to forget, or a token to decrypt. */
export type ThreadMessage =
  | { readonly type: 'load'; readonly ring: number; readonly keyRing: KeyRing }
  | { readonly type: 'forget'; readonly ring: number }
  | ({ readonly type: 'decrypt'; readonly ring: number; readonly id: number } & ThreadRequest)

/** The keys and accepted algorithms of one resource server. */
export interface KeyRing {
  readonly keys: readonly ThreadKey[]
  readonly contentEncryptionAlgorithms: readonly string[]
}

/** A token to decrypt. */
export interface ThreadRequest {
  readonly raw: string
  /** Indexes of `KeyRing.keys`. */
  readonly keyIndexes: readonly number[]
}

/** A message from the thread. */
export interface ThreadResponse {
  readonly id: number
  readonly decryption: Decryption
}

/** A key ring that the thread has. */
export interface LoadedKeyRing {
  readonly id: number
  /** Called if the thread ends by itself. Must not throw. */
  readonly onEnd: (error: unknown) => void
}

interface WaitingRequest {
  readonly resolve: (decryption: Decryption | Promise<Decryption>) => void
  /** Decrypts the token without the thread. */
  readonly decryptHere: () => Promise<Decryption>
}

export class DecryptionThread {
  static #running: DecryptionThread | undefined
  static #lastRing = 0

  readonly #worker: Worker
  readonly #keyRings = new Set<LoadedKeyRing>()
  readonly #waiting = new Map<number, WaitingRequest>()
  #lastId = 0

  /**
   * Returns the thread of this process, which the first call starts.
   *
   * @throws if no thread can be started.
   */
  static shared(): DecryptionThread {
    DecryptionThread.#running ??= new DecryptionThread()
    return DecryptionThread.#running
  }

  private constructor() {
    const program = new URL('./decryption-worker.js', import.meta.url)
    this.#worker = new Worker(program, { name: 'decryption' })
    this.#worker.on('message', (response: ThreadResponse) => this.#settle(response))
    this.#worker.on('error', (error) => this.#end(error))
    this.#worker.on('exit', (code) => this.#end(new Error(`the thread exited with code ${code}`)))
    this.#worker.unref()
  }

  load(keyRing: KeyRing, onEnd: LoadedKeyRing['onEnd']): LoadedKeyRing {
    const loaded = { id: ++DecryptionThread.#lastRing, onEnd }
    this.#keyRings.add(loaded)
    this.#send({ type: 'load', ring: loaded.id, keyRing })
    return loaded
  }

  /** Removes a key ring from the thread. The thread ends with its last key ring. */
  async forget(keyRing: LoadedKeyRing): Promise<void> {
    this.#keyRings.delete(keyRing)
    this.#send({ type: 'forget', ring: keyRing.id })
    if (this.#keyRings.size > 0) return
    this.#end(undefined)
    // Otherwise the process could exit while the caller waits.
    this.#worker.ref()
    await this.#worker.terminate()
  }

  /**
   * Decrypts a token with keys of a key ring.
   *
   * @param decryptHere called if the thread ends before.
   */
  decrypt(
    { id: ring }: LoadedKeyRing,
    request: ThreadRequest,
    decryptHere: WaitingRequest['decryptHere'],
  ): Promise<Decryption> {
    return new Promise((resolve) => {
      const id = ++this.#lastId
      this.#waiting.set(id, { resolve, decryptHere })
      // A token that waits keeps the process alive, as a fetch does; an idle thread does not.
      this.#worker.ref()
      this.#send({ type: 'decrypt', ring, id, ...request })
    })
  }

  #send(message: ThreadMessage): void {
    this.#worker.postMessage(message)
  }

  #settle({ id, decryption }: ThreadResponse): void {
    this.#waiting.get(id)?.resolve(decryption)
    if (this.#waiting.delete(id) && this.#waiting.size === 0) this.#worker.unref()
  }

  #end(error: unknown): void {
    if (DecryptionThread.#running === this) DecryptionThread.#running = undefined
    const keyRings = [...this.#keyRings]
    const waiting = [...this.#waiting.values()]
    this.#keyRings.clear()
    this.#waiting.clear()
    for (const { onEnd } of keyRings) onEnd(error)
    for (const { resolve, decryptHere } of waiting) resolve(decryptHere())
  }
}
