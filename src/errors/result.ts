/**
 * How the steps on the way of a request hand on what they find: at once wherever it is at hand,
 * because a promise costs time and garbage, and without throwing, because to throw costs more than
 * most rejections do.
 *
 * A step returns its result or the {@link Rejection}, or a promise, which rejects with the rejection. So
 * no promise ever resolves to one, and no type lets a rejection pass for a result. A step whose name
 * begins with `check` has no result: what it returns is the rejection, or `undefined`. What is no
 * rejection, a mistake of ours or of the application's, is thrown as ever.
 */
import { types } from 'node:util'
import { ResourceServerError } from './errors.js'

/** A value, or a promise of it where something must be waited for. */
export type MaybePromise<T> = T | Promise<T>

/** Why a request isn't let in, where it is returned and not thrown. */
export type Rejection = ResourceServerError

/** What a step comes to at once. */
export type Result<T> = T | Rejection

/** What a step of the pipeline returns: a promise of its result rejects with the rejection. */
export type StepResult<T> = Result<T> | Promise<T>

/** What async functions return, whatever a library put in the place of the global `Promise`. */
const NativePromise = (async () => {})().constructor as PromiseConstructor

/** A result that isn't there yet. To take one for a result would let a request in unverified. */
// biome-ignore lint/suspicious/noExplicitAny: as `instanceof` narrows
export function isPromise(value: unknown): value is Promise<any> {
  return value instanceof NativePromise || value instanceof Promise
}

/**
 * For what a function of the application's returned where a promise is a mistake. It is no yes, and if
 * it rejects, that would be nobody's and end the process.
 */
export function suppressRejection<T>(value: T): T {
  // By Node's own `then`: this one may be of another realm, or have one of its own.
  if (types.isPromise(value)) NativePromise.prototype.then.call(value, undefined, () => {})
  else if (isPromise(value)) value.catch(() => {})
  return value
}

export function isRejection(outcome: unknown): outcome is Rejection {
  return outcome instanceof ResourceServerError
}

/** The next step, with the result of the one before. It isn't taken after a rejection. */
export function andThen<T, U>(
  outcome: StepResult<T>,
  next: (result: T) => StepResult<U>,
): StepResult<U> {
  if (isPromise(outcome)) return outcome.then((result) => unwrap(next(result)))
  return isRejection(outcome) ? outcome : next(outcome)
}

/** For whoever has nobody to return a rejection to. */
export function unwrap<T>(outcome: Result<T>): T {
  if (isRejection(outcome)) throw outcome
  return outcome
}
