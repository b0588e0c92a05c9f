/**
 * Logging that cannot fail. A logger of the application may throw or return a promise that rejects,
 * for example when a disk is full: neither may change a response or end the process.
 */
import { reject } from '../base/check.js'
import { suppressRejection } from '../errors/result.js'

/**
 * The part of a pino logger, such as Fastify's, that is used here.
 *
 * @example
 * ```ts
 * const server = await createResourceServer({ issuer, audience, logger: console })
 * ```
 */
export interface Logger {
  /** Logs a problem that may be temporary. */
  warn(details: object, message: string): void
  /** Logs a problem that requires a change of the configuration. Default: `warn`. */
  error?(details: object, message: string): void
}

/** A {@link Logger} with every method, none of which throws. */
export interface SafeLogger extends Required<Logger> {}

/** Wraps a logger; looks up each method when called, because the application may replace it. */
export function safeLogger(logger: Logger): SafeLogger {
  return {
    warn: (details, message) => logSafely(logger, 'warn', details, message),
    error: (details, message) => logSafely(logger, 'error', details, message),
  }
}

type Level = 'info' | 'warn' | 'error'
type AnyLogger = { readonly [level in Level]?: (details: object, message: string) => unknown }

/** Logs at a level, or at `warn` if the logger lacks it. Never throws. */
export function logSafely(logger: AnyLogger, level: Level, details: object, message: string): void {
  try {
    if (logger[level] !== undefined) suppressRejection(logger[level](details, message))
    else suppressRejection(logger.warn?.(details, message))
  } catch {
    // The failure of a logger cannot be logged.
  }
}

/** @throws {TypeError} if the logger has no method `warn`. */
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
