/**
 * JSON objects as tokens need them: no member twice (RFC 7515 §4, RFC 7519 §4, where parsers differ
 * on which of the two counts), no `__proto__`, no depth that could exhaust a stack, and frozen, so
 * that requests can share them.
 */

/** Deeper than any claim in use (`authorization_details` needs six), shallower than any stack. */
const MAX_DEPTH = 32

/** The object that `text` holds, frozen all the way down; `undefined` if it isn't one. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parse(text)
  if (!isJsonObject(value)) return undefined
  const members = countAndFreeze(value, 0)
  // JSON.parse silently keeps the last of two members of one name. Its result then has fewer
  // members than the text has colons outside of strings, which is cheaper to see than to re-parse.
  return members === colonsAtMost(text) || members === countColons(text) ? value : undefined
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The number of members in all, or NaN for an object that must not be used. */
function countAndFreeze(value: object | null, depth: number): number {
  if (value === null) return 0
  if (depth > MAX_DEPTH || Object.hasOwn(value, '__proto__')) return Number.NaN
  const values = Object.values(value)
  let members = Array.isArray(value) ? 0 : values.length
  for (const member of values) {
    if (typeof member === 'object') members += countAndFreeze(member, depth + 1)
  }
  Object.freeze(value)
  return members
}

/**
 * At least the colons that separate a name from a value, and in most texts exactly those: the ones
 * after a quotation mark. Infinite where white space comes before one, so that only a closer look
 * tells. Equal to the number of members, it leaves no room for a member that was lost.
 */
function colonsAtMost(text: string): number {
  let colons = 0
  for (let i = text.indexOf(':'); i !== -1; i = text.indexOf(':', i + 1)) {
    const before = text.charCodeAt(i - 1)
    if (before === QUOTE) colons++
    else if (before <= SPACE) return Number.POSITIVE_INFINITY
  }
  return colons
}

/** The colons that separate a name from a value, in text that is known to be JSON. */
function countColons(text: string): number {
  let colons = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    if (inString) {
      if (character === BACKSLASH) i++
      else if (character === QUOTE) inString = false
    } else if (character === QUOTE) inString = true
    else if (character === COLON) colons++
  }
  return colons
}

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c
const SPACE = 0x20
