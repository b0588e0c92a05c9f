/** Errors of every realm: under Jest, or for code that runs in a `node:vm` context, there are several. */
import { types } from 'node:util'

/** Whether `value` is an Error. `instanceof` alone knows those of its own realm only. */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error
}

/**
 * Returns the error, or an equal one of this realm: Fastify renders another realm's error without its
 * message.
 */
export function errorOfThisRealm(error: Error): Error {
  if (error instanceof Error) return error
  const { name, stack } = error
  const own = Object.defineProperties(new Error(), Object.getOwnPropertyDescriptors(error))
  return Object.defineProperties(own, {
    name: { value: name, configurable: true, writable: true },
    stack: { value: stack, configurable: true, writable: true },
  })
}
