/** Logs rejected requests, each with a line of its own or all of a second in one line. */
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

/** Writes no line that contains `found` of a reason, which may be input of the caller. */
export interface RejectionLog {
  write(error: ResourceServerError, request: FastifyRequest): void
  /** Writes what is not logged yet. */
  close(): void
}

export function rejectionLog(mode: RejectionLogMode, log: FastifyBaseLogger): RejectionLog {
  if (mode === 'summary') return new RejectionSummary(log)
  return {
    write({ code, check, expected, message }, request) {
      if (mode === false) return
      logSafely(request.log, mode, { code, check, expected }, `request rejected: ${message}`)
    },
    close() {},
  }
}

/** Logs the numbers of rejections, by code and check, one second after the first of them. */
class RejectionSummary implements RejectionLog {
  readonly #log: FastifyBaseLogger
  readonly #counts = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(log: FastifyBaseLogger) {
    this.#log = log
  }

  write({ code, check }: ResourceServerError): void {
    const name = `${code} ${check}`
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
