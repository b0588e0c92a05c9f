/** Limits the work of a case and the memory of a run: untrusted input must increase neither. */
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import zlib from 'node:zlib'
import { countCallsOf } from '../../../test/fixtures/count-calls.js'
import type { OpenTarget } from '../target.js'

/**
 * Verifications, hashes, decryptions and decompressions of one case, including those of the oracles:
 * three times those of the most costly case.
 */
const MAX_COSTLY_CALLS = 100
/** Ends a case whose promise never settles: longer than every deadline of the package. */
const MAX_WAIT_MS = 30_000
/** Growth of the heap once the caches are full. */
const MAX_HEAP_GROWTH_BYTES = 32 * 1024 * 1024

const neverRestored = { teardown() {} }
const subtle = Object.getPrototypeOf(crypto.webcrypto.subtle)
const COUNTED: readonly [target: object, methods: string][] = [
  [crypto, 'verify createHash hash createHmac createDecipheriv privateDecrypt diffieHellman'],
  [crypto, 'pbkdf2 pbkdf2Sync hkdf hkdfSync'],
  [subtle, 'verify digest decrypt deriveBits deriveKey unwrapKey'],
  [zlib, 'inflate inflateSync inflateRaw inflateRawSync createInflate createInflateRaw'],
]

/** Runs cases one at a time, and records the most costly case and the slowest. */
export class BoundedRunner<Case> {
  readonly #target: OpenTarget<Case>
  readonly #counts = COUNTED.map(([target, methods]) =>
    countCallsOf(neverRestored, target, ...methods.split(' ')),
  )
  /** Milliseconds of CPU time, which depend on the machine, so that they are only reported. */
  slowest = 0
  /** Costly calls of the case that had most. */
  mostCalls = 0

  constructor(target: OpenTarget<Case>) {
    this.#target = target
  }

  async run(testCase: Case): Promise<string> {
    const [before, callsBefore] = [process.cpuUsage(), this.#calls()]
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const onTimeout = () => reject(new Error(`no outcome within ${MAX_WAIT_MS} ms`))
      timer = setTimeout(onTimeout, MAX_WAIT_MS)
    })
    try {
      const outcome = await Promise.race([this.#target.run(testCase), late])
      const { user, system } = process.cpuUsage(before)
      this.slowest = Math.max(this.slowest, (user + system) / 1_000)
      const calls = this.#calls() - callsBefore
      this.mostCalls = Math.max(this.mostCalls, calls)
      assert.ok(calls <= MAX_COSTLY_CALLS, `one case made ${calls} costly calls`)
      return outcome
    } finally {
      clearTimeout(timer)
    }
  }

  #calls(): number {
    return this.#counts.reduce((sum, count) => sum + count(), 0)
  }
}

/** Records the heap size after each batch, after a garbage collection. */
export class HeapWatch {
  readonly #sizes: number[] = []

  measure(): void {
    globalThis.gc?.()
    this.#sizes.push(process.memoryUsage().heapUsed)
  }

  /** Growth in bytes after the first third of the run, during which caches fill. */
  growth(): number {
    const warm = this.#sizes.slice(Math.floor(this.#sizes.length / 3))
    const [first = 0, last = first] = [warm.at(0), warm.at(-1)]
    return last - first
  }

  requireFlat(): void {
    const growth = this.growth()
    assert.ok(growth <= MAX_HEAP_GROWTH_BYTES, `the heap grew by ${growth} bytes`)
  }
}
