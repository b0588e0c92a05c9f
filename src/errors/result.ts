/**
 * Result type of the pipeline steps. A step returns its value or a {@link Rejection} synchronously
 * when it can, because promises and exceptions on this path cost more than most rejections.
 *
 * A promise rejects with the rejection and never resolves to one, so that the types keep a
 * rejection from passing for a value. A function named `check…` has no value: it returns the
 * rejection or `undefined`. Errors that are no rejections (bugs of this package or of the
 * application) are thrown.
 */
import { types } from 'node:util'
import { ResourceServerError } from './errors.js'

/** A value or a promise of it. */
export type MaybePromise<T> = T | Promise<T>

/** An error that rejects a request, returned in place of being thrown. */
export type Rejection = ResourceServerError

/** The synchronous result of a step. */
export type Result<T> = T | Rejection

/** What a pipeline step returns; a promise rejects with the rejection. */
export type StepResult<T> = Result<T> | Promise<T>

/** The class that async functions return, even if a library replaced the global `Promise`. */
const NativePromise = (async () => {})().constructor as PromiseConstructor

/**
 * Whether a result is pending. Mistaking a promise for a value would admit a request unverified.
 */
// biome-ignore lint/suspicious/noExplicitAny: as `instanceof` narrows
export function isPromise(value: unknown): value is Promise<any> {
  return value instanceof NativePromise || value instanceof Promise
}

/**
 * Attaches a no-op handler to a promise that an application function returned where a synchronous
 * value is required; otherwise its rejection would be unhandled and end the process.
 *
 * @returns the value, which the caller must reject if it is a promise.
 */
export function suppressRejection<T>(value: T): T {
  // The native `then`: the promise may be of another realm, or override `then`.
  if (types.isPromise(value)) NativePromise.prototype.then.call(value, undefined, () => {})
  else if (isPromise(value)) value.catch(() => {})
  return value
}

export function isRejection(result: unknown): result is Rejection {
  return result instanceof ResourceServerError
}

/** Runs the next step with the value of the previous one, and skips it after a rejection. */
export function andThen<T, U>(
  result: StepResult<T>,
  next: (value: T) => StepResult<U>,
): StepResult<U> {
  if (isPromise(result)) return result.then((value) => unwrap(next(value)))
  return isRejection(result) ? result : next(result)
}

/** Returns the value, or throws the rejection. */
export function unwrap<T>(result: Result<T>): T {
  if (isRejection(result)) throw result
  return result
}
