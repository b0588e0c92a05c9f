/**
 * A value, or a promise of it where something must be waited for. A request whose answer is at hand
 * makes no promise: each costs time and garbage.
 */
export type NowOrLater<T> = T | Promise<T>

export function andThen<T, U>(
  value: NowOrLater<T>,
  next: (value: T) => NowOrLater<U>,
): NowOrLater<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
