/** Validates the option `now`, and provides the default clocks. */
import { functionOrUndefined } from '../base/check.js'
import { applicationFailure } from '../errors/application-function.js'
import { suppressRejection } from '../errors/result.js'

export interface Clocks {
  /** Wall-clock time, in milliseconds since the epoch. */
  readonly now: () => number
  /**
   * Monotonic time, in milliseconds, so that setting the wall clock back does not prolong a wait.
   * If the option `now` is set, its clock is used here as well.
   */
  readonly monotonicNow: () => number
}

/**
 * The year 1973. A clock in seconds would show an earlier time, at which expired tokens are valid.
 */
const MIN_TIME_MS = 1e11

/** @throws {TypeError} if the option `now` is set and not a function. */
export function resolveClocks(given: (() => number) | undefined): Clocks {
  const now = functionOrUndefined('now', given)
  if (now !== undefined) {
    const checkedNow = () => timeOf(now)
    return { now: checkedNow, monotonicNow: checkedNow }
  }
  // Looks up `Date.now` and `performance.now` at each call, so that fake timers take effect.
  return {
    now: () => Date.now(),
    monotonicNow: () => performance.timeOrigin + performance.now(),
  }
}

function timeOf(now: () => number): number {
  try {
    const time = suppressRejection(now())
    if (typeof time !== 'number') throw new TypeError('it must return a number, not a promise')
    if (time < MIN_TIME_MS) throw new TypeError('it must return milliseconds, not seconds')
    return time
  } catch (thrown) {
    throw applicationFailure('now', thrown)
  }
}
