/** Sends requests at a given rate, and summarizes the responses. */
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Sends requests at a fixed rate, whether or not earlier ones have responses.
 *
 * @param send sends the nth request.
 */
export async function paced({ perSecond, seconds, send }) {
  const total = perSecond * seconds
  const answers = []
  const begun = performance.now()
  while (answers.length < total) {
    const due = ((performance.now() - begun) / 1000) * perSecond
    while (answers.length < Math.min(due, total)) answers.push(send(answers.length))
    await sleep(5)
  }
  return Promise.all(answers)
}

export function times(number, send) {
  return Promise.all(Array.from({ length: number }, (_, n) => send(n)))
}

export function countOf(answers, wanted) {
  return answers.filter(({ status }) => status === wanted).length
}

export function all(answers, wanted) {
  return answers.length > 0 && countOf(answers, wanted) === answers.length
}

export function slowest(answers) {
  return Math.max(...answers.map(({ took }) => took))
}

/** Returns a text such as `99 × 200, 1 × 503`. */
export function tally(answers) {
  const statuses = [...new Set(answers.map(({ status }) => status))].sort()
  return statuses.map((status) => `${thousands(countOf(answers, status))} × ${status}`).join(', ')
}

export function thousands(number) {
  return number.toLocaleString('en-US')
}

export function seconds(milliseconds, digits = 1) {
  return `${(milliseconds / 1000).toFixed(digits)} s`
}

/** Waits until the condition holds, for 5 s at most. */
export async function eventually(isSo, what) {
  const until = performance.now() + 5_000
  while (!(await isSo())) {
    if (performance.now() > until) throw new Error(`${what} did not happen within 5 s`)
    await sleep(5)
  }
}
