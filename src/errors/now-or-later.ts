/**
 * How the steps on the way of a request hand on what they find: at once wherever it is at hand,
 * because a promise costs time and garbage, and without throwing, because to throw costs more than
 * most refusals do.
 *
 * A step returns its result or the {@link Refusal}, or a promise, which rejects with the refusal. So
 * no promise ever resolves to one, and no type lets a refusal pass for a result. A step whose name
 * begins with `check` has no result: what it returns is the refusal, or `undefined`. What is no
 * refusal, a mistake of ours or of the application's, is thrown as ever.
 */
import { types } from 'node:util'
import { ResourceServerError } from './errors.js'

/** A value, or a promise of it where something must be waited for. */
export type NowOrLater<T> = T | Promise<T>

/** Why a request isn't let in, where it is returned and not thrown. */
export type Refusal = ResourceServerError

/** What a step comes to at once. */
export type Outcome<T> = T | Refusal

/** What a step of the pipeline returns: a promise of its result rejects with the refusal. */
export type StepResult<T> = Outcome<T> | Promise<T>

/** What async functions return, whatever a library put in the place of the global `Promise`. */
const NativePromise = (async () => {})().constructor as PromiseConstructor

/** A result that isn't there yet. To take one for a result would let a request in unverified. */
// biome-ignore lint/suspicious/noExplicitAny: as `instanceof` narrows
export function isLater(value: unknown): value is Promise<any> {
  return value instanceof NativePromise || value instanceof Promise
}

/**
 * For what a function of the application's returned where a promise is a mistake. It is no yes, and if
 * it rejects, that would be nobody's and end the process.
 */
export function disown<T>(value: T): T {
  // By Node's own `then`: this one may be of another realm, or have one of its own.
  if (types.isPromise(value)) NativePromise.prototype.then.call(value, undefined, () => {})
  else if (isLater(value)) value.catch(() => {})
  return value
}

export function isRefusal(outcome: unknown): outcome is Refusal {
  return outcome instanceof ResourceServerError
}

/** The next step, with the result of the one before. It isn't taken after a refusal. */
export function andThen<T, U>(
  outcome: StepResult<T>,
  next: (result: T) => StepResult<U>,
): StepResult<U> {
  if (isLater(outcome)) return outcome.then((result) => orThrow(next(result)))
  return isRefusal(outcome) ? outcome : next(outcome)
}

/** For whoever has nobody to return a refusal to. */
export function orThrow<T>(outcome: Outcome<T>): T {
  if (isRefusal(outcome)) throw outcome
  return outcome
}
