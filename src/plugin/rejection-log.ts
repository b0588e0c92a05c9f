/**
 * Logs rejected requests and event tokens, each with a line of its own or all of a second in one
 * line.
 */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { rejectName } from '../base/check.js'
import type { ResourceServerError } from '../errors/resource-server-error.js'
import { logSafely } from '../observability/safe-logger.js'

/** How rejections are logged: see the option `logRejections`. */
export type RejectionLogMode = 'info' | 'debug' | 'summary' | false

const MODES = ['info', 'debug', 'summary'] as const
const SUMMARY_INTERVAL_MS = 1_000

/** @throws {TypeError} if the option is invalid. */
export function resolveLogRejections(mode: unknown = 'info'): RejectionLogMode {
  const found = mode === false ? false : MODES.find((one) => one === mode)
  return found ?? rejectName('logRejections', mode, MODES, ' or false')
}

/** Begins the line about a rejection, and says what was rejected. */
export type RejectionPrefix =
  | 'request rejected:'
  | 'logout token rejected:'
  | 'security event token rejected:'

/** Writes no line that contains `found` of a reason, which may be input of the caller. */
export interface RejectionLog {
  write(error: ResourceServerError, request: FastifyRequest, prefix: RejectionPrefix): void
  /** Writes what is not logged yet. */
  close(): void
}

export function rejectionLog(mode: RejectionLogMode, log: FastifyBaseLogger): RejectionLog {
  if (mode === 'summary') return new RejectionSummary(log)
  return {
    write({ code, check, expected, message }, request, prefix) {
      if (mode === false) return
      logSafely(request.log, mode, { code, check, expected }, `${prefix} ${message}`)
    },
    close() {},
  }
}

/**
 * Logs the numbers of rejections, by code and check, one second after the first of them. Requests
 * and each kind of event token are counted separately.
 */
class RejectionSummary implements RejectionLog {
  readonly #log: FastifyBaseLogger
  readonly #counts = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(log: FastifyBaseLogger) {
    this.#log = log
  }

  write(
    { code, check }: ResourceServerError,
    _request: FastifyRequest,
    prefix: RejectionPrefix,
  ): void {
    const reason = `${code} ${check}`
    const name = prefix === 'request rejected:' ? reason : `${prefix} ${reason}`
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    this.#timer ??= setTimeout(() => this.close(), SUMMARY_INTERVAL_MS).unref()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#counts.size === 0) return
    const rejections = Object.fromEntries(this.#counts)
    this.#counts.clear()
    logSafely(this.#log, 'info', { rejections }, 'requests rejected')
  }
}
