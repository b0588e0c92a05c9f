/**
 * Logging that cannot fail. A logger of the application may throw, or return a promise that rejects,
 * for instance when its disk is full: neither may change a response or end the process.
 */
import { reject } from '../base/check.js'
import { suppressRejection } from '../errors/result.js'

/** What a pino logger, such as Fastify's, looks like to us. */
export interface Logger {
  /** For what passes by itself, or not. */
  warn(details: object, message: string): void
  /** For what nothing heals but a change of the configuration. Default: `warn`. */
  error?(details: object, message: string): void
}

/** A {@link Logger} that has every method; none of them throws. */
export interface SafeLogger extends Required<Logger> {}

/** Looks each method up when it is called, because the application may replace it. */
export function safeLogger(logger: Logger): SafeLogger {
  return {
    warn: (details, message) => logSafely(logger, 'warn', details, message),
    error: (details, message) => logSafely(logger, 'error', details, message),
  }
}

type Level = 'info' | 'warn' | 'error'
type AnyLogger = { readonly [level in Level]?: (details: object, message: string) => unknown }

/** `warn` stands in for a level that the logger doesn't have. Never throws. */
export function logSafely(logger: AnyLogger, level: Level, details: object, message: string): void {
  try {
    if (logger[level] !== undefined) suppressRejection(logger[level](details, message))
    else suppressRejection(logger.warn?.(details, message))
  } catch {
    // There is nobody left to tell.
  }
}

/** @throws {TypeError} if it has no method `warn`. */
export function resolveLogger(logger: Logger = { warn() {} }): SafeLogger {
  return hasWarn(logger) ? safeLogger(logger) : reject('logger', 'must have a method "warn"')
}

function hasWarn(logger: Logger): boolean {
  try {
    return typeof logger?.warn === 'function'
  } catch {
    return false
  }
}
