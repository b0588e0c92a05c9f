/** Counts responses by sender, label and status. */

export class Tally {
  /** Number of responses, by sender and `label: status`. */
  #counts = { valid: new Map(), hostile: new Map() }
  /** Number of unexpected responses; `examples` describes the first 20. */
  unexpected = { valid: 0, hostile: 0 }
  examples = []
  #inFlight = new Set()
  #durationsMs = []

  /**
   * Counts the response once its promise settles.
   *
   * @param sender `valid` or `hostile`.
   * @param request the label, the expected statuses, and the promise of the status.
   */
  add(sender, { label, expected, response }) {
    const startedAt = performance.now()
    const counted = response.then((status) => {
      this.#durationsMs.push(performance.now() - startedAt)
      this.#count(sender, label, status)
      if (expected.includes(status)) return
      this.unexpected[sender]++
      if (this.examples.length < 20) this.examples.push(`${sender}, ${label}: ${status}`)
    })
    this.#inFlight.add(counted)
    counted.finally(() => this.#inFlight.delete(counted))
  }

  settled() {
    return Promise.all(this.#inFlight)
  }

  /** Returns a percentile of the response times, in milliseconds. */
  latency(percent) {
    const sorted = Float64Array.from(this.#durationsMs).sort()
    return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))]
  }

  total(sender) {
    return [...this.#counts[sender].values()].reduce((sum, number) => sum + number, 0)
  }

  /** Returns a line for each label and status, such as `reused: 200   81,000`. */
  lines(sender) {
    return [...this.#counts[sender]]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, number]) => `${key.padEnd(34)} ${number.toLocaleString('en-US').padStart(9)}`)
  }

  #count(sender, label, status) {
    const key = `${label}: ${status}`
    this.#counts[sender].set(key, (this.#counts[sender].get(key) ?? 0) + 1)
  }
}
