/** Limits on the time of a case and the memory of a run: untrusted input must increase neither. */
import assert from 'node:assert/strict'
import type { OpenTarget } from '../target.js'

/** CPU time, so that other processes on the machine do not count. */
const MAX_CPU_MS = 2_000
/** Wall-clock time: longer than every deadline of the package. */
const MAX_WAIT_MS = 30_000
/** Growth of the heap once the caches are full. */
const MAX_HEAP_GROWTH_BYTES = 32 * 1024 * 1024

/** Runs cases one at a time and records the CPU time of the slowest case. */
export class BoundedRunner<Case> {
  readonly #target: OpenTarget<Case>
  /** Milliseconds of CPU time. */
  slowest = 0

  constructor(target: OpenTarget<Case>) {
    this.#target = target
  }

  async run(testCase: Case): Promise<string> {
    const first = await this.#timed(testCase)
    if (first.cpu <= MAX_CPU_MS) return first.outcome
    // Runs a slow case again: garbage collection or compilation may have delayed it.
    globalThis.gc?.()
    const second = await this.#timed(testCase)
    assert.ok(second.cpu <= MAX_CPU_MS, `one case took ${second.cpu.toFixed(0)} ms of CPU time`)
    return second.outcome
  }

  async #timed(testCase: Case): Promise<{ outcome: string; cpu: number }> {
    const before = process.cpuUsage()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const onTimeout = () => reject(new Error(`no outcome within ${MAX_WAIT_MS} ms`))
      timer = setTimeout(onTimeout, MAX_WAIT_MS)
    })
    try {
      const outcome = await Promise.race([this.#target.run(testCase), late])
      const { user, system } = process.cpuUsage(before)
      const cpu = (user + system) / 1_000
      this.slowest = Math.max(this.slowest, cpu)
      return { outcome, cpu }
    } finally {
      clearTimeout(timer)
    }
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
