/**
 * An API under steady load for a long time: its authorization server rotates its keys each minute
 * and is down every third minute, and one request in ten comes from an attacker. Three processes:
 * the client (this one), the issuer, and the API with the package as built.
 *
 *   npm run suite -- soak             ten minutes
 *   npm run suite -- soak --short     three minutes of 15 s each, as in CI
 *   npm run suite -- soak --rate 300  requests a second (default 150)
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Api } from './api.js'
import { Hostile } from './hostile.js'
import { Issuer } from './issuer.js'
import { Minutes } from './minutes.js'
import { failedChecks, show } from './report.js'
import { Tally } from './tally.js'
import { Valid } from './valid.js'

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    rate: { type: 'string', default: '150' },
  },
})
const minutes = new Minutes({
  length: values.short ? 15_000 : 60_000,
  count: Number(values.minutes ?? (values.short ? 3 : 10)),
})
const rate = Number(values.rate)

const issuer = await Issuer.start()
const api = await Api.start(issuer, minutes)
const valid = await Valid.make(issuer, api)
const hostile = await Hostile.make(issuer, api)
const tally = new Tally()

console.log(`${minutes.count} minutes of ${minutes.length / 1000} s, ${rate} requests a second`)
minutes.begin()
const events = minutes.play({
  rotate: () => issuer.rotate(),
  leave: (how) => issuer.leave(how),
  comeBack: () => issuer.comeBack(),
  renew: () => valid.renew(),
  halfTime: () => api.rememberHeap(),
  tell: (what) => console.log(`  ${minutes.clock()}  ${what}`),
})
await send()
await events
await tally.settled()

const facts = {
  tally,
  eventLoop: await api.eventLoop(),
  heap: await api.compareHeaps(),
  statistics: await api.statistics(),
  issuerRequests: await issuer.requests(),
  minutes,
  rate,
}
await api.end()
await issuer.end()
show(facts)
const wrong = failedChecks(facts)
for (const what of wrong) console.log(`FAILED  ${what}`)
console.log(wrong.length === 0 ? 'passed' : 'failed')
process.exitCode = wrong.length === 0 ? 0 : 1

/** Sends requests at a fixed rate, whether or not earlier ones have responses. */
async function send() {
  for (let sent = 0; !minutes.over; ) {
    for (const due = (minutes.elapsed / 1000) * rate; sent < due; sent++) {
      const isHostile = sent % 10 === 9
      const request = isHostile ? hostile.next(minutes) : valid.next(minutes)
      tally.add(isHostile ? 'hostile' : 'valid', request)
    }
    await sleep(5)
  }
}
