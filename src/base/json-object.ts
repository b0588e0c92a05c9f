/**
 * Parses the JSON objects of tokens. Rejects duplicate members (RFC 7515 §4, RFC 7519 §4: parsers
 * differ on which one counts), `__proto__`, and a depth that could exhaust the stack. The result is
 * frozen, so that requests can share it.
 */

/** Deeper than any claim in use (`authorization_details` needs six), shallower than any stack. */
const MAX_DEPTH = 32

/** Parses `text` to a deeply frozen object; `undefined` if it is not an acceptable JSON object. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parse(text)
  if (!isJsonObject(value)) return undefined
  const members = countAndFreeze(value, 0)
  // JSON.parse silently keeps the last of duplicate members. The result then has fewer members than
  // the text has colons outside of strings; counting them is cheaper than a second parser.
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

/** Returns the total number of members, or NaN for an object that must be rejected. */
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
 * Returns an upper bound, exact for most texts, of the colons that separate names from values:
 * those after a quotation mark. Infinity if white space precedes one, which requires the exact
 * count. If the bound equals the number of members, no duplicate member was dropped.
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

/** Counts the colons that separate names from values, in text that is known to be JSON. */
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
