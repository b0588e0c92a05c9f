/** Prints the measurements, and checks them. */
import { growth } from './heap.js'

const MIB = 2 ** 20
/** Allows for code that V8 compiles late, and for hidden classes. In bytes. */
const GROWTH = 2 * MIB
/** Maximum for a minute of 60 s, from rotations, unknown keys after each cooldown, refreshes and back-off. */
const FETCHES_A_MINUTE = 15

export function show({ tally, heap, eventLoop, statistics, issuerRequests, minutes, rate }) {
  const answered = tally.total('valid') + tally.total('hostile')
  console.log(`\nvalid requests (${tally.total('valid').toLocaleString('en-US')})`)
  for (const line of tally.lines('valid')) console.log(`  ${line}`)
  console.log(`hostile requests (${tally.total('hostile').toLocaleString('en-US')})`)
  for (const line of tally.lines('hostile')) console.log(`  ${line}`)
  console.log(
    `valid lost: ${tally.wrong.valid}, hostile with an unexpected response: ${tally.wrong.hostile}`,
  )
  for (const example of tally.examples) console.log(`  ${example}`)
  const seconds = (minutes.count * minutes.length) / 1000
  console.log(`rate: ${(answered / seconds).toFixed(0)} a second, of ${rate}`)
  console.log(
    `response times: p50 ${ms(tally.latency(50))}, p99 ${ms(tally.latency(99))}, longest ${ms(tally.latency(100))}`,
  )
  console.log(
    `event loop delay: p50 ${ms(eventLoop[50])}, p99 ${ms(eventLoop[99])}, p99.9 ${ms(eventLoop[99.9])}, longest ${ms(eventLoop[100])}`,
  )
  console.log(
    `heap: ${mib(heap.before.size)} at half-time, ${mib(heap.after.size)} at the end; grew most: ${growth(
      heap,
    )
      .slice(0, 4)
      .map(([kind, bytes]) => `${kind} ${(bytes / 1024).toFixed(0)} KiB`)
      .join(', ')}`,
  )
  console.log(`requests to the issuer: ${JSON.stringify(issuerRequests)}`)
  console.log(`statistics: ${JSON.stringify(statistics)}`)
}

/** @returns the failed checks. */
export function failedChecks({ tally, heap, issuerRequests, minutes, rate }) {
  const sent = tally.total('valid') + tally.total('hostile')
  const due = ((minutes.count * minutes.length) / 1000) * rate
  const checks = {
    'no valid request is lost': tally.wrong.valid === 0,
    'no hostile request is accepted or causes a server error': tally.wrong.hostile === 0,
    'nearly all requests were sent': sent > 0.95 * due,
    [`the heap grows by less than ${mib(GROWTH)} in the second half`]:
      heap.after.size - heap.before.size < GROWTH,
    [`the key set is fetched at most ${FETCHES_A_MINUTE} times a minute`]:
      issuerRequests.jwks <= FETCHES_A_MINUTE * minutes.count,
  }
  return Object.entries(checks)
    .filter(([, isSo]) => !isSo)
    .map(([what]) => what)
}

function ms(milliseconds) {
  return `${milliseconds.toFixed(1)} ms`
}

function mib(bytes) {
  return `${(bytes / MIB).toFixed(1)} MiB`
}
