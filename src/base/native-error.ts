/** Handles errors of other realms: Jest, for example, runs code in a `node:vm` context. */
import { types } from 'node:util'

/**
 * Whether `value` is an Error of any realm. `instanceof Error` is false for an Error of another
 * realm.
 */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error
}

/**
 * Returns the error if it belongs to this realm, otherwise a copy that does: Fastify would render
 * an error of another realm without its message.
 */
export function errorOfThisRealm(error: Error): Error {
  if (error instanceof Error) return error
  const { name, stack } = error
  const copy = Object.defineProperties(new Error(), Object.getOwnPropertyDescriptors(error))
  return Object.defineProperties(copy, {
    name: { value: name, configurable: true, writable: true },
    stack: { value: stack, configurable: true, writable: true },
  })
}
