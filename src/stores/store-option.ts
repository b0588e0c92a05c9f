/** The words in which an option of a store is refused. */

/** @throws {TypeError} unless it is a whole number from `minimum` to `maximum`. */
export function wholeNumber(
  name: string,
  value: unknown,
  { minimum, maximum, unit }: { minimum: number; maximum: number; unit: string },
): number {
  if (Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum) {
    return value as number
  }
  throw new TypeError(
    `"${name}" of a store must be a whole number of ${unit} from ${minimum} to ${maximum}`,
  )
}
