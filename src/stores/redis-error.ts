/**
 * Errors of Redis clients, as they may be logged: ioredis and node-redis put the command and its
 * arguments into theirs, among them what is stored, and some servers quote them in the message.
 */
import { withoutData } from './store-error.js'

/** Has the message and the code of the client's error, and nothing else of it. */
export class RedisError extends Error {
  override readonly name = 'RedisError'
  /** Such as `ECONNREFUSED`, or the first word that Redis answered, such as `NOPERM`. */
  readonly code: string | undefined

  constructor(error: unknown) {
    const { message, code } = partsOf(error)
    super(message)
    this.code = code
  }
}

function partsOf(error: unknown): { message: string; code: string | undefined } {
  try {
    const { message, code } = error as Record<string, unknown>
    const said = typeof message === 'string' ? withoutData(message) : ''
    const known = codeOf(code) ?? codeOf(said.split(' ', 1)[0])
    return { message: said || `Redis cannot be asked: ${known ?? 'no reason given'}`, code: known }
  } catch {
    return { message: 'Redis cannot be asked: no reason given', code: undefined }
  }
}

function codeOf(code: unknown): string | undefined {
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,39}$/.test(code) ? code : undefined
}
