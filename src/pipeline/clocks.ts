/** The option `now`, and the clocks that are used without it. */
import { functionOrUndefined } from '../base/check.js'
import { applicationFailure } from '../errors/application-function.js'
import { suppressRejection } from '../errors/result.js'

export interface Clocks {
  /** Wall-clock time, in milliseconds since the epoch. */
  readonly now: () => number
  /** Monotonic, in milliseconds: for waits, which a wall clock that is set back would prolong. */
  readonly steadyNow: () => number
}

/** @throws {TypeError} if `now` is no function. */
export function resolveClocks(given: (() => number) | undefined): Clocks {
  const now = functionOrUndefined('now', given)
  if (now !== undefined) {
    const checkedNow = () => timeOf(now)
    return { now: checkedNow, steadyNow: checkedNow }
  }
  // `Date.now` and `performance.now` are read at each call, so that fake timers of tests take effect.
  return {
    now: () => Date.now(),
    steadyNow: () => performance.timeOrigin + performance.now(),
  }
}

function timeOf(now: () => number): number {
  try {
    const time = suppressRejection(now())
    if (typeof time === 'number') return time
    throw new TypeError('it must return a number, and not a promise')
  } catch (thrown) {
    throw applicationFailure('now', thrown)
  }
}
