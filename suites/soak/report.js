/** Prints and checks the measurements. */
import { growth } from './heap.js'

const MIB = 2 ** 20
/** Allowance for code that V8 compiles late, and for hidden classes. In bytes. */
const MAX_GROWTH_BYTES = 2 * MIB
/** Maximum key fetches in a minute of 60 s: for rotations, unknown keys, refreshes and retries. */
const MAX_FETCHES_PER_MINUTE = 15

export function printMeasurements({
  tally,
  heap,
  eventLoop,
  statistics,
  issuerRequests,
  minutes,
  rate,
}) {
  const responses = tally.total('valid') + tally.total('hostile')
  console.log(`\nvalid requests (${tally.total('valid').toLocaleString('en-US')})`)
  for (const line of tally.lines('valid')) console.log(`  ${line}`)
  console.log(`hostile requests (${tally.total('hostile').toLocaleString('en-US')})`)
  for (const line of tally.lines('hostile')) console.log(`  ${line}`)
  console.log(
    `valid lost: ${tally.unexpected.valid}, hostile with an unexpected response: ${tally.unexpected.hostile}`,
  )
  for (const example of tally.examples) console.log(`  ${example}`)
  const seconds = (minutes.count * minutes.lengthMs) / 1000
  console.log(`rate: ${(responses / seconds).toFixed(0)} a second, of ${rate}`)
  console.log(
    `response times: p50 ${ms(tally.latency(50))}, p99 ${ms(tally.latency(99))}, longest ${ms(tally.latency(100))}`,
  )
  console.log(
    `event loop delay: p50 ${ms(eventLoop[50])}, p99 ${ms(eventLoop[99])}, p99.9 ${ms(eventLoop[99.9])}, longest ${ms(eventLoop[100])}`,
  )
  console.log(
    `heap: ${mib(heap.before.size)} after half of the run, ${mib(heap.after.size)} at the end; grew most: ${growth(
      heap,
    )
      .slice(0, 4)
      .map(([name, bytes]) => `${name} ${(bytes / 1024).toFixed(0)} KiB`)
      .join(', ')}`,
  )
  console.log(`requests to the issuer: ${JSON.stringify(issuerRequests)}`)
  console.log(`statistics: ${JSON.stringify(statistics)}`)
}

/** Returns the names of the failed checks. */
export function failedChecks({ tally, heap, issuerRequests, minutes, rate }) {
  const sentCount = tally.total('valid') + tally.total('hostile')
  const expectedCount = ((minutes.count * minutes.lengthMs) / 1000) * rate
  const checks = {
    'no valid request is lost': tally.unexpected.valid === 0,
    'no hostile request is accepted or causes a server error': tally.unexpected.hostile === 0,
    'nearly all requests were sent': sentCount > 0.95 * expectedCount,
    [`the heap grows by less than ${mib(MAX_GROWTH_BYTES)} in the second half`]:
      heap.after.size - heap.before.size < MAX_GROWTH_BYTES,
    [`the key set is fetched at most ${MAX_FETCHES_PER_MINUTE} times a minute`]:
      issuerRequests.jwks <= MAX_FETCHES_PER_MINUTE * minutes.count,
  }
  return Object.entries(checks)
    .filter(([, passed]) => !passed)
    .map(([name]) => name)
}

function ms(milliseconds) {
  return `${milliseconds.toFixed(1)} ms`
}

function mib(bytes) {
  return `${(bytes / MIB).toFixed(1)} MiB`
}
