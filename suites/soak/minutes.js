/**
 * What happens when. A minute may be shorter than sixty seconds, and then everything in it is: each
 * begins with a rotation; in each third the issuer is away from the 8th second to the 24th, each time
 * in another way; tokens signed with unknown keys come from the 12th to the 45th, so that the
 * cooldown that they cause is over when the next key comes.
 */
import { setTimeout as sleep } from 'node:timers/promises'

const AWAY = ['reset', 'hang', { status: 500 }, 'garbage']

export class Minutes {
  #begun = 0
  #heldFor = 0
  #heldSince

  constructor({ length, count }) {
    this.length = length
    this.count = count
  }

  /** How much shorter than a minute one is. */
  get scale() {
    return this.length / 60_000
  }

  get elapsed() {
    return (this.#heldSince ?? performance.now()) - this.#begun - this.#heldFor
  }

  get over() {
    return this.elapsed >= this.count * this.length
  }

  /** Of this minute, from 0 to 60. */
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

  /** Time stands still meanwhile, and nothing is sent. */
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
        const how = AWAY[Math.floor(minute / 3) % AWAY.length]
        await this.#until(minute, 8)
        tell(`the issuer is away: ${JSON.stringify(how)}`)
        await leave(how)
        await this.#until(minute, 24)
        await comeBack()
        tell('it is back')
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
