/** Names JSON types in messages. */
import { jsonTypeOf } from '../errors/rejection-reason.js'

/** Returns the JSON type of a value with its article: "a string", "an array", "null". */
export function jsonTypeName(value: unknown): string {
  return withArticle(jsonTypeOf(value))
}

/** @param type a type that `jsonTypeOf` returns. */
export function withArticle(type: string): string {
  if (type === 'null') return type
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
}
