/**
 * Logs without ever throwing. The application's logger may throw or return a promise that rejects,
 * for example when a disk is full; such an error must neither change a response nor end the
 * process.
 */
import { reject } from '../base/check.js'
import { suppressRejection } from '../errors/result.js'

/**
 * The methods of a pino logger that a resource server calls. Fastify's logger and `console` have
 * them.
 *
 * @example
 * ```ts
 * const server = await createResourceServer({ issuer, audience, logger: console })
 * ```
 */
export interface Logger {
  /** Logs a problem that may be temporary. */
  warn(details: object, message: string): void
  /** Logs a problem that only a change of the configuration fixes. Default: the method `warn`. */
  error?(details: object, message: string): void
  /**
   * Logs that keys were fetched or changed, and that an issuer or a store works again after a logged
   * failure. Default: these lines are discarded.
   */
  info?(details: object, message: string): void
}

/** A {@link Logger} that has all methods, none of which throws. */
export interface SafeLogger extends Required<Logger> {}

/**
 * Returns a logger that calls `logger` and suppresses its errors. Each call looks up the method
 * again, because the application may replace it.
 */
export function safeLogger(logger: Logger): SafeLogger {
  return {
    warn: (details, message) => logSafely(logger, 'warn', details, message),
    error: (details, message) => logSafely(logger, 'error', details, message),
    // A logger without `info` may be an alarm: only a problem may fall back to its `warn`.
    info: (details, message) => {
      if (hasMethod(logger, 'info')) logSafely(logger, 'info', details, message)
    },
  }
}

type Level = 'debug' | 'info' | 'warn' | 'error'
type AnyLogger = { readonly [level in Level]?: (details: object, message: string) => unknown }

/**
 * Logs at the level, or at `warn` if the logger has no method for the level. Discards the line if
 * the logger has neither method. Never throws.
 */
export function logSafely(logger: AnyLogger, level: Level, details: object, message: string): void {
  try {
    if (logger[level] !== undefined) suppressRejection(logger[level](details, message))
    else suppressRejection(logger.warn?.(details, message))
  } catch {
    // Discards the error, because no other log could report it.
  }
}

/**
 * Returns a safe logger for the `logger` option. Default: a logger that discards every line.
 *
 * @throws {TypeError} if the logger has no method `warn`.
 */
export function resolveLogger(logger: Logger = { warn() {} }): SafeLogger {
  return hasMethod(logger, 'warn')
    ? safeLogger(logger)
    : reject('logger', 'must have a method "warn"')
}

function hasMethod(logger: Logger, level: keyof Logger): boolean {
  try {
    return typeof logger?.[level] === 'function'
  } catch {
    return false
  }
}
