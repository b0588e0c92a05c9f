/**
 * Refuses an options argument that is no object, or has a member that isn't known: a misspelt
 * option would otherwise be ignored in silence.
 *
 * @throws {TypeError} naming the caller, the unknown member and the known ones, never a value
 */
export function refuseUnknownOptions(
  caller: string,
  options: unknown,
  known: readonly string[],
): asserts options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${caller} takes an object of options`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(`"${name}" is no option of ${caller}; it knows ${known.join(', ')}`)
    }
  }
}
