/**
 * Parses the JSON objects in tokens and introspection responses. Rejects duplicate members, because
 * parsers differ on which one counts (RFC 7515 §4, RFC 7519 §4), members named `__proto__`, and
 * nesting that could exhaust the stack. Objects are deeply frozen, so that requests can share them.
 */

/** Maximum nesting of objects and arrays. For example, `authorization_details` needs six levels. */
const MAX_DEPTH = 32

/** Returns the object that `text` contains; `undefined` if `text` is invalid or rejected. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parse(text)
  if (!isJsonObject(value)) return undefined
  const members = countAndFreeze(value, 0)
  // JSON.parse silently keeps the last of duplicate members. The result then has fewer members than
  // the text has colons outside of strings. Counting the colons is cheaper than a second parser.
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

/**
 * Freezes an object or array deeply. Returns the number of members of all objects in it; NaN if it
 * is nested too deeply or has a member `__proto__`.
 */
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
 * Returns the number of colons that follow a quotation mark. In compact JSON this is an upper bound
 * for the number of members in the text: if the parsed value has as many, the text has no duplicate
 * members. Returns Infinity if a colon follows white space: {@link countColons} must then decide.
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

/** Returns the number of colons that separate names from values. The text must be valid JSON. */
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
