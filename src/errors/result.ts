/**
 * Defines the result type of the pipeline steps. A step returns its value or a {@link Rejection}
 * synchronously when it can, because a promise or an exception costs more than most rejections.
 *
 * The promise of an asynchronous step rejects with the rejection and never resolves to it, so that
 * the compiler prevents the use of a rejection as a value. A function named `check…` returns the
 * rejection, or `undefined` if the check passes. Errors that are not rejections (bugs of this
 * package or of the application) are thrown.
 */
import { types } from 'node:util'
import { ResourceServerError } from './resource-server-error.js'

/** A value or a promise of it. */
export type MaybePromise<T> = T | Promise<T>

/** An error that rejects a request, returned instead of thrown. */
export type Rejection = ResourceServerError

/** The synchronous result of a step. */
export type Result<T> = T | Rejection

/** The return value of a pipeline step. A promise rejects with the rejection. */
export type StepResult<T> = Result<T> | Promise<T>

/**
 * The class of the promises of async functions, even if a library has replaced the global
 * `Promise`.
 */
const NativePromise = (async () => {})().constructor as PromiseConstructor

/**
 * Whether a result is a promise. If a promise were mistaken for a value, a request would be
 * accepted without verification.
 */
// biome-ignore lint/suspicious/noExplicitAny: narrows the type as `instanceof` does
export function isPromise(value: unknown): value is Promise<any> {
  return value instanceof NativePromise || value instanceof Promise
}

/**
 * Attaches a no-op rejection handler to `value` if `value` is a promise. An application function
 * may return a promise that this package does not await; its unhandled rejection would otherwise
 * end the process.
 *
 * @returns `value`. A caller that requires a synchronous value must reject a promise.
 */
export function suppressRejection<T>(value: T): T {
  // Calls the native `then`, because the promise may be from another realm, or override `then`.
  if (types.isPromise(value)) NativePromise.prototype.then.call(value, undefined, () => {})
  else if (isPromise(value)) value.catch(() => {})
  return value
}

export function isRejection(result: unknown): result is Rejection {
  return result instanceof ResourceServerError
}

/** Calls `next` with the value of the previous step, or returns the rejection of that step. */
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
