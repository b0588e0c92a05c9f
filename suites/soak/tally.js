/** Counts the responses. */

export class Tally {
  /** Number of responses, by `kind: status`. */
  #counts = { valid: new Map(), hostile: new Map() }
  /** Number of unexpected responses; `examples` describes the first 20. */
  wrong = { valid: 0, hostile: 0 }
  examples = []
  #inFlight = new Set()
  #durations = []

  /** @param request `{ kind, expected, answer }`: the expected statuses, and a promise of the status. */
  add(whose, { kind, expected, answer }) {
    const begun = performance.now()
    const done = answer.then((status) => {
      this.#durations.push(performance.now() - begun)
      this.#count(whose, kind, status)
      if (expected.includes(status)) return
      this.wrong[whose]++
      if (this.examples.length < 20) this.examples.push(`${whose}, ${kind}: ${status}`)
    })
    this.#inFlight.add(done)
    done.finally(() => this.#inFlight.delete(done))
  }

  settled() {
    return Promise.all(this.#inFlight)
  }

  /** Returns a percentile of the response times, in milliseconds. */
  latency(percent) {
    const sorted = Float64Array.from(this.#durations).sort()
    return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))]
  }

  total(whose) {
    return [...this.#counts[whose].values()].reduce((sum, number) => sum + number, 0)
  }

  /** `known: 81,000 × 200`, a line each. */
  lines(whose) {
    return [...this.#counts[whose]]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([what, number]) => `${what.padEnd(34)} ${number.toLocaleString('en-US').padStart(9)}`)
  }

  #count(whose, kind, status) {
    const what = `${kind}: ${status}`
    this.#counts[whose].set(what, (this.#counts[whose].get(what) ?? 0) + 1)
  }
}
