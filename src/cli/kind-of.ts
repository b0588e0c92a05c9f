/** Returns the JSON type of a value, with its article. */
import { jsonTypeOf } from '../errors/rejection-reason.js'

export function aKindOf(value: unknown): string {
  const kind = jsonTypeOf(value)
  if (kind === 'null') return kind
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`
}
