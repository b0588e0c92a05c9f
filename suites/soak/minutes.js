/**
 * Schedules the events of the run. A "minute" may be shorter than 60 seconds, which scales the
 * times of its events. Each minute begins with a key rotation. In every third minute, the issuer
 * fails from second 8 to 24, each time with the next fault. Attackers send tokens with unknown keys
 * only from second 12 to 45, so that the cooldown that those tokens cause has passed before the
 * next rotation.
 */
import { setTimeout as sleep } from 'node:timers/promises'

const FAULTS = ['reset', 'hang', { status: 500 }, 'garbage']

export class Minutes {
  #startedAt = 0
  #pausedMs = 0
  #pausedAt

  constructor({ lengthMs, count }) {
    this.lengthMs = lengthMs
    this.count = count
  }

  /** Length of a minute in this run, as a fraction of 60 seconds. */
  get scale() {
    return this.lengthMs / 60_000
  }

  get elapsedMs() {
    return (this.#pausedAt ?? performance.now()) - this.#startedAt - this.#pausedMs
  }

  get isOver() {
    return this.elapsedMs >= this.count * this.lengthMs
  }

  /** Second of the current minute, from 0 to 60. */
  get second() {
    return ((this.elapsedMs % this.lengthMs) / this.lengthMs) * 60
  }

  get allowsUnknownKeys() {
    return this.second > 12 && this.second < 45
  }

  clock() {
    return `${Math.floor(this.elapsedMs / this.lengthMs)}:${this.second.toFixed(0).padStart(2, '0')}`
  }

  start() {
    this.#startedAt = performance.now()
  }

  /** Pauses the schedule and the requests until `work` has finished. */
  async pause(work) {
    this.#pausedAt = performance.now()
    const result = await work()
    this.#pausedMs += performance.now() - this.#pausedAt
    this.#pausedAt = undefined
    return result
  }

  async play({ rotate, fail, recover, renew, recordHeap, report }) {
    const middle = Math.floor(this.count / 2)
    for (let minute = 0; minute < this.count; minute++) {
      await this.#sleepUntil(minute, 0)
      await rotate()
      if (minute === middle) report(`heap ${await this.pause(recordHeap)}`)
      if (minute % 3 === 2) {
        const fault = FAULTS[Math.floor(minute / 3) % FAULTS.length]
        await this.#sleepUntil(minute, 8)
        report(`the issuer fails: ${JSON.stringify(fault)}`)
        await fail(fault)
        await this.#sleepUntil(minute, 24)
        await recover()
        report('the issuer has recovered')
      } else if (minute % 3 === 0) {
        await this.#sleepUntil(minute, 46)
        await renew()
      }
    }
  }

  async #sleepUntil(minute, second) {
    const dueMs = minute * this.lengthMs + (second / 60) * this.lengthMs
    await sleep(Math.max(0, dueMs - this.elapsedMs))
  }
}
