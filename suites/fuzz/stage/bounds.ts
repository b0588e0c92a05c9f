/** What one case may take, and a whole run: neither time nor memory grows with what strangers send. */
import assert from 'node:assert/strict'
import type { Stage } from '../target.js'

/** Of the processor, in milliseconds: what others do on the machine doesn't count. */
const MAX_CPU = 2_000
/** On the wall, in milliseconds: longer than any deadline of ours. */
const MAX_WAIT = 30_000
/** Bytes by which the heap may grow once caches are full. */
const MAX_GROWTH = 32 * 1024 * 1024

/** Plays cases one by one, and remembers the slowest. */
export class Bounded<Case> {
  readonly #stage: Stage<Case>
  slowest = 0

  constructor(stage: Stage<Case>) {
    this.#stage = stage
  }

  async play(one: Case): Promise<string> {
    const first = await this.#timed(one)
    if (first.cpu <= MAX_CPU) return first.outcome
    // Once more and alone: a collection of garbage, or a compiler, may have come in between.
    globalThis.gc?.()
    const second = await this.#timed(one)
    assert.ok(second.cpu <= MAX_CPU, `one case took ${second.cpu.toFixed(0)} ms of the processor`)
    return second.outcome
  }

  async #timed(one: Case): Promise<{ outcome: string; cpu: number }> {
    const before = process.cpuUsage()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const tell = () => reject(new Error(`no outcome within ${MAX_WAIT} ms`))
      timer = setTimeout(tell, MAX_WAIT)
    })
    try {
      const outcome = await Promise.race([this.#stage.play(one), late])
      const { user, system } = process.cpuUsage(before)
      const cpu = (user + system) / 1_000
      this.slowest = Math.max(this.slowest, cpu)
      return { outcome, cpu }
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The heap after each batch, garbage collected. */
export class HeapWatch {
  readonly #sizes: number[] = []

  measure(): void {
    globalThis.gc?.()
    this.#sizes.push(process.memoryUsage().heapUsed)
  }

  /** From the first third, when caches may still fill, to the end. */
  growth(): number {
    const warm = this.#sizes.slice(Math.floor(this.#sizes.length / 3))
    const [first = 0, last = first] = [warm.at(0), warm.at(-1)]
    return last - first
  }

  requireFlat(): void {
    const growth = this.growth()
    assert.ok(growth <= MAX_GROWTH, `the heap grew by ${growth} bytes`)
  }
}
