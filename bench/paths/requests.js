/** The requests of the paths, which the client builds before each turn. */
import { readTokens } from '../token-list.js'

export const bearer = (token) => ({ headers: `Authorization: Bearer ${token}\r\n` })

/** Repeats a list from the number `first` on. */
export function repeat(list, { first, count }) {
  return Array.from({ length: count }, (_, i) => list[(first + i) % list.length])
}

/** Sends the tokens of a file in order, each once. */
export const newTokens =
  (name) =>
  ({ lists, first, count }) =>
    readTokens(lists[name], first, count).map(bearer)

/** Sends the tokens of a file in order, repeatedly. */
export function knownTokens(name) {
  let tokens
  return ({ lists, first, count }) => {
    const list = lists[name]
    tokens ??= readTokens(list, list.first ?? 0, list.count)
    return repeat(tokens, { first, count }).map(bearer)
  }
}
