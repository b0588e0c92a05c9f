/**
 * Errors of stores, as they may be logged. Those of an application's store are its client's: with the
 * command, its arguments and what is stored as properties, and parts of it in the message.
 */

/** Has the name, the code and the message of a store's error, and nothing else of it. */
export class StoreError extends Error {
  override readonly name: string
  /** As the client has it, such as `ECONNREFUSED` or `store_indeterminate`. */
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
 * Returns the message without arguments of commands, credentials in URLs and anything as long as what
 * we store: hashes of 43 characters and more. At most 500 characters.
 */
export function withoutData(message: string): string {
  return message
    .slice(0, 2_000)
    .replace(/,? with args beginning with:.*/s, '')
    .replace(/\/\/[^/\s@]*@/g, '//…@')
    .replace(/[\w+=-]{32,}/g, '…')
    .slice(0, 500)
}

/** @throws {StoreError} in place of what the call throws. */
export async function loggable<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (thrown) {
    throw new StoreError(thrown)
  }
}
