import { unknownName } from '../base/did-you-mean.js'

/**
 * Rejects an options argument that is not an object or has an unknown member: a misspelled option
 * would otherwise be ignored silently.
 *
 * @throws {TypeError} that names the function, the unknown member and the known ones, never a value
 */
export function rejectUnknownOptions(
  caller: string,
  options: unknown,
  known: readonly string[],
): asserts options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${caller} takes an object of options`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(unknownName(`option % of ${caller}`, name, known))
    }
  }
}
