/** The words in which an option of a store is refused. */
import { type Bounds, describeBounds, isWholeNumber } from '../base/whole-number.js'

/** @throws {TypeError} unless it is a whole number within the bounds. */
export function wholeNumber(name: string, value: unknown, bounds: Bounds): number {
  if (isWholeNumber(value, bounds)) return value
  throw new TypeError(`"${name}" of a store ${describeBounds(bounds)}`)
}
