/** What an option may be that counts something. */

export interface Bounds {
  readonly minimum: number
  readonly maximum: number
  /** What is counted. */
  readonly unit: string
}

export function isWholeNumber(value: unknown, { minimum, maximum }: Bounds): value is number {
  return Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum
}

/** As it is told to whoever set it. */
export function describeBounds({ minimum, maximum, unit }: Bounds): string {
  return `must be a whole number of ${unit} from ${minimum} to ${maximum}`
}
