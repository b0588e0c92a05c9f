/** The arguments of a command, once they are known to make sense. */
import { UsageError } from './exit-code.js'

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

  /** @throws {UsageError} if it isn't there. */
  required(flag: string): string {
    const value = this.value(flag)
    if (value === undefined) throw new UsageError(`--${flag} is needed`)
    return value
  }

  /** @throws {UsageError} if it is there and isn't a whole number, 0 or more. */
  wholeNumber(flag: string): number | undefined {
    const value = this.value(flag)
    if (value === undefined) return undefined
    if (/^\d{1,15}$/.test(value)) return Number(value)
    throw new UsageError(`--${flag} must be a whole number`)
  }
}
