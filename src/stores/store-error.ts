/**
 * Makes errors of stores safe to log. An error of an application's store usually comes from a
 * client library: its properties may contain the command with its arguments and stored data, and
 * its message may quote them.
 */

/** An error with only the name, the code and the redacted message of a store's error. */
export class StoreError extends Error {
  override readonly name: string
  /** The code of the original error, such as `ECONNREFUSED` or `store_indeterminate`. */
  readonly code: string | number | undefined

  constructor(error: unknown) {
    const { name, code, message } = partsOf(error)
    super((typeof message === 'string' && withoutData(message)) || 'no reason given')
    this.name = typeof name === 'string' && /^\w{1,40}$/.test(name) ? name : 'StoreError'
    this.code = isCode(code) ? code : undefined
  }
}

function partsOf(error: unknown): { name?: unknown; code?: unknown; message?: unknown } {
  try {
    const { name, code, message } = error as Record<string, unknown>
    return { name, code, message }
  } catch {
    return {}
  }
}

function isCode(code: unknown): code is string | number {
  return typeof code === 'number' || (typeof code === 'string' && /^[\w.-]{1,40}$/.test(code))
}

/**
 * Returns the message without arguments of commands, without credentials in URLs and without words
 * of 32 characters or more, because keys and values in stores contain hashes of 43 characters.
 * Returns at most 500 characters.
 */
export function withoutData(message: string): string {
  return message
    .slice(0, 2_000)
    .replace(/,? with args beginning with:.*/s, '')
    .replace(/\/\/[^/\s@]*@/g, '//…@')
    .replace(/[\w+=-]{32,}/g, '…')
    .slice(0, 500)
}

/**
 * Returns the result of the call.
 *
 * @throws {StoreError} a loggable copy of any error of the call.
 */
export async function loggable<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (thrown) {
    throw new StoreError(thrown)
  }
}
