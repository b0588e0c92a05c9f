import { unknownName } from '../base/did-you-mean.js'

/**
 * Rejects options that are not an object or have an unknown member, because a misspelled option
 * would otherwise be ignored silently.
 *
 * @param owner the function or option that the options belong to, as named in the message.
 * @throws {TypeError} that names the owner, the unknown member and the known ones, but no value.
 */
export function rejectUnknownOptions(
  owner: string,
  options: unknown,
  known: readonly string[],
): asserts options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`The options of ${owner} must be an object`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(unknownName(`option % of ${owner}`, name, known))
    }
  }
}

/** @throws {TypeError} that names the first member that is set and is not an object. */
export function requireObjects(members: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) continue
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new TypeError(`${name.includes(' ') ? name : `"${name}"`} must be an object`)
    }
  }
}
