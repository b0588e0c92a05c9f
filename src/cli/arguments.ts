/** Reads the parsed arguments of a command as text, whole numbers or durations. */
import { UsageError } from './exit-code.js'

export interface GivenFlag {
  readonly flag: string
  /** Empty if the flag takes no value. */
  readonly value: string
}

export class Arguments {
  readonly operands: readonly string[]
  /** The flags in the order in which they were given. */
  readonly ordered: readonly GivenFlag[]

  constructor(ordered: readonly GivenFlag[], operands: readonly string[]) {
    this.ordered = ordered
    this.operands = operands
  }

  has(flag: string): boolean {
    return this.values(flag).length > 0
  }

  value(flag: string): string | undefined {
    return this.values(flag)[0]
  }

  values(flag: string): readonly string[] {
    return this.ordered.filter((given) => given.flag === flag).map(({ value }) => value)
  }

  /**
   * @param remedy what to do if the flag is absent, beginning with its punctuation.
   * @throws {UsageError} if the flag is absent.
   */
  required(flag: string, remedy = ''): string {
    const value = this.value(flag)
    if (value === undefined) throw new UsageError(`--${flag} is required${remedy}`)
    return value
  }

  /**
   * Returns the value as a number; `undefined` if the flag is absent.
   *
   * @throws {UsageError} if the value is not a whole number of at most 15 digits.
   */
  wholeNumber(flag: string): number | undefined {
    const value = this.value(flag)
    if (value === undefined) return undefined
    if (/^\d{1,15}$/.test(value)) return Number(value)
    throw new UsageError(`--${flag} must be a whole number`)
  }

  /**
   * Returns a duration in milliseconds; `undefined` if the flag is absent. The value is a whole
   * number with the unit `s` or `ms`; without a unit, the number is in seconds.
   *
   * @throws {UsageError} if the value is malformed or not from 1 ms to `most` ms.
   */
  milliseconds(flag: string, most: number): number | undefined {
    const value = this.value(flag)
    if (value === undefined) return undefined
    const [, digits, unit] = /^(\d{1,15})(ms|s)?$/.exec(value) ?? []
    const duration = Number(digits) * (unit === 'ms' ? 1 : 1000)
    if (duration >= 1 && duration <= most) return duration
    throw new UsageError(`--${flag} must be a duration such as 10s or 500ms, from 1ms to ${most}ms`)
  }
}
