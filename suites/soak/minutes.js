/**
 * The schedule of the run. A "minute" may be shorter than 60 seconds, which scales its events. Each
 * minute begins with a key rotation. In every third minute the issuer fails from second 8 to 24, in
 * turn with each fault. Attackers send tokens with unknown keys from second 12 to 45, so that the
 * cooldown that they cause is over before the next rotation.
 */
import { setTimeout as sleep } from 'node:timers/promises'

const FAULTS = ['reset', 'hang', { status: 500 }, 'garbage']

export class Minutes {
  #begun = 0
  #heldFor = 0
  #heldSince

  constructor({ length, count }) {
    this.length = length
    this.count = count
  }

  /** Length of a minute in this run, as a fraction of 60 seconds. */
  get scale() {
    return this.length / 60_000
  }

  get elapsed() {
    return (this.#heldSince ?? performance.now()) - this.#begun - this.#heldFor
  }

  get over() {
    return this.elapsed >= this.count * this.length
  }

  /** Second of the current minute, from 0 to 60. */
  get second() {
    return ((this.elapsed % this.length) / this.length) * 60
  }

  get bringsUnknownKeys() {
    return this.second > 12 && this.second < 45
  }

  clock() {
    return `${Math.floor(this.elapsed / this.length)}:${this.second.toFixed(0).padStart(2, '0')}`
  }

  begin() {
    this.#begun = performance.now()
  }

  /** Pauses the schedule and the requests during the work. */
  async hold(work) {
    this.#heldSince = performance.now()
    const result = await work()
    this.#heldFor += performance.now() - this.#heldSince
    this.#heldSince = undefined
    return result
  }

  async play({ rotate, leave, comeBack, renew, halfTime, tell }) {
    const half = Math.floor(this.count / 2)
    for (let minute = 0; minute < this.count; minute++) {
      await this.#until(minute, 0)
      await rotate()
      if (minute === half) tell(`heap ${await this.hold(halfTime)}`)
      if (minute % 3 === 2) {
        const how = FAULTS[Math.floor(minute / 3) % FAULTS.length]
        await this.#until(minute, 8)
        tell(`the issuer fails: ${JSON.stringify(how)}`)
        await leave(how)
        await this.#until(minute, 24)
        await comeBack()
        tell('the issuer has recovered')
      } else if (minute % 3 === 0) {
        await this.#until(minute, 46)
        await renew()
      }
    }
  }

  async #until(minute, second) {
    const due = minute * this.length + (second / 60) * this.length
    await sleep(Math.max(0, due - this.elapsed))
  }
}
