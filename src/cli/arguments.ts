/** The parsed arguments of a command. */
import { UsageError } from './exit-code.js'

/** The unit and range of a number. */
export interface Range {
  readonly unit: string
  readonly least: number
  readonly most: number
}

const ANY: Range = { unit: '', least: 0, most: Infinity }

export class Arguments {
  readonly operands: readonly string[]
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor(values: ReadonlyMap<string, readonly string[]>, operands: readonly string[]) {
    this.#values = values
    this.operands = operands
  }

  has(flag: string): boolean {
    return this.#values.has(flag)
  }

  value(flag: string): string | undefined {
    return this.#values.get(flag)?.[0]
  }

  values(flag: string): readonly string[] {
    return this.#values.get(flag) ?? []
  }

  /** @throws {UsageError} if the flag is absent. */
  required(flag: string): string {
    const value = this.value(flag)
    if (value === undefined) throw new UsageError(`--${flag} is needed`)
    return value
  }

  /** @throws {UsageError} if the value is no whole number within the range. */
  wholeNumber(flag: string, range: Range = ANY): number | undefined {
    const value = this.value(flag)
    if (value === undefined) return undefined
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    const { unit, least, most } = range
    if (number >= least && number <= most) return number
    const bounds = most === Infinity ? '' : ` from ${least} to ${most}`
    throw new UsageError(`--${flag} must be a whole number${unit && ` of ${unit}`}${bounds}`)
  }
}
