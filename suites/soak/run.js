/**
 * Tests an API under steady load for a long time. The authorization server rotates its keys each
 * minute and fails in every third minute; one request in ten comes from an attacker. The client
 * (this process), the issuer, and the API with the built package run in three processes.
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
import { failedChecks, printMeasurements } from './report.js'
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
  lengthMs: values.short ? 15_000 : 60_000,
  count: Number(values.minutes ?? (values.short ? 3 : 10)),
})
const rate = Number(values.rate)

const issuer = await Issuer.start()
const api = await Api.start(issuer, minutes)
const valid = await Valid.create(issuer, api)
const hostile = await Hostile.create(issuer, api)
const tally = new Tally()

console.log(`${minutes.count} minutes of ${minutes.lengthMs / 1000} s, ${rate} requests a second`)
minutes.start()
const events = minutes.play({
  rotate: () => issuer.rotate(),
  fail: (fault) => issuer.fail(fault),
  recover: () => issuer.recover(),
  renew: () => valid.renew(),
  recordHeap: () => api.recordHeap(),
  report: (event) => console.log(`  ${minutes.clock()}  ${event}`),
})
await sendRequests()
await events
await tally.settled()

const measurements = {
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
printMeasurements(measurements)
const failures = failedChecks(measurements)
for (const failure of failures) console.log(`FAILED  ${failure}`)
console.log(failures.length === 0 ? 'passed' : 'failed')
process.exitCode = failures.length === 0 ? 0 : 1

/** Sends requests at a fixed rate, even while earlier requests are in flight. */
async function sendRequests() {
  for (let sentCount = 0; !minutes.isOver; ) {
    for (const dueCount = (minutes.elapsedMs / 1000) * rate; sentCount < dueCount; sentCount++) {
      const isHostile = sentCount % 10 === 9
      const request = isHostile ? hostile.next(minutes) : valid.next(minutes)
      tally.add(isHostile ? 'hostile' : 'valid', request)
    }
    await sleep(5)
  }
}
