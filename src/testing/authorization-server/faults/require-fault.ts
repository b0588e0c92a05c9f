import { canParseUrl } from '../../../base/can-parse-url.js'
import type { Fault } from './fault.js'
import { NAMED_FAULT_HANDLERS } from './fault-handlers.js'

const MAX_TIMER_MS = 2_147_483_647

/** @throws {TypeError} if the value is not a valid fault; the message says what is valid. */
export function requireFault(fault: unknown): asserts fault is Fault {
  if (typeof fault === 'string' && Object.hasOwn(NAMED_FAULT_HANDLERS, fault)) return
  if (typeof fault !== 'object' || fault === null) throw unknownFault()
  const { retryAfter, ...rest } = fault as Record<string, unknown>
  const [[name, value] = [], ...others] = Object.entries(rest)
  if (others.length > 0)
    throw new TypeError(
      'a fault must have only one of "status", "delay", "slowBody" and "redirect"',
    )
  if (retryAfter !== undefined && (name !== 'status' || !isWhole(retryAfter, 0, Infinity))) {
    throw new TypeError('"retryAfter" must be a whole number of seconds, and requires "status"')
  }
  switch (name) {
    case 'status':
      return requireThat(isWhole(value, 400, 599), name, 'a whole number from 400 to 599')
    case 'delay':
    case 'slowBody':
      return requireThat(
        isWhole(value, 1, MAX_TIMER_MS),
        name,
        `a whole number of milliseconds from 1 to ${MAX_TIMER_MS}`,
      )
    case 'redirect':
      return requireThat(isWebUrl(value), name, 'an absolute http or https URL')
    default:
      throw unknownFault()
  }
}

function unknownFault(): TypeError {
  const names = Object.keys(NAMED_FAULT_HANDLERS).join(', ')
  return new TypeError(
    `"fault" must be one of ${names}, or an object with "status", "delay", "slowBody" or "redirect"`,
  )
}

function requireThat(condition: boolean, name: string, expected: string): void {
  if (!condition) throw new TypeError(`"${name}" must be ${expected}`)
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}

function isWebUrl(value: unknown): boolean {
  return typeof value === 'string' && /^https?:/i.test(value) && canParseUrl(value)
}
