/** Sends requests at a given rate, and summarizes the responses. */
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Sends requests at a fixed rate, even while earlier requests are in flight.
 *
 * @param send sends the nth request.
 */
export async function paced({ perSecond, seconds, send }) {
  const total = perSecond * seconds
  const responses = []
  const startedAt = performance.now()
  while (responses.length < total) {
    const dueCount = ((performance.now() - startedAt) / 1000) * perSecond
    while (responses.length < Math.min(dueCount, total)) responses.push(send(responses.length))
    await sleep(5)
  }
  return Promise.all(responses)
}

export function times(number, send) {
  return Promise.all(Array.from({ length: number }, (_, n) => send(n)))
}

export function countOf(responses, expected) {
  return responses.filter(({ status }) => status === expected).length
}

export function all(responses, expected) {
  return responses.length > 0 && countOf(responses, expected) === responses.length
}

export function slowest(responses) {
  return Math.max(...responses.map(({ durationMs }) => durationMs))
}

/** Returns a text such as `99 × 200, 1 × 503`. */
export function tally(responses) {
  const statuses = [...new Set(responses.map(({ status }) => status))].sort()
  return statuses.map((status) => `${thousands(countOf(responses, status))} × ${status}`).join(', ')
}

export function thousands(number) {
  return number.toLocaleString('en-US')
}

export function seconds(milliseconds, digits = 1) {
  return `${(milliseconds / 1000).toFixed(digits)} s`
}

/** Waits until the condition holds, for about 30 s at most. */
export async function eventually(condition, event) {
  for (let attempts = 0; attempts < 6_000; attempts++) {
    if (await condition()) return
    await sleep(5)
  }
  throw new Error(`${event} did not happen`)
}
