/**
 * Limits the cost of parsing untrusted JSON. `JSON.parse` takes 2 to 3 ms for 8 KB that an attacker
 * crafted, because V8 spends time on each new member name, short string and object shape.
 */

/**
 * Maximum number of commas and colons: about twice as many as a typical access token without lists
 * of groups or roles has.
 */
const MAX_SEPARATORS = 128
/** Maximum number of objects and arrays. */
const MAX_CONTAINERS = 16

/**
 * Whether parsing `json` costs no more than a few signature verifications. Characters inside of
 * strings count too: the result may be false for text that is cheap to parse, but it is never true
 * for text that is costly.
 */
export function isCheapToParse(json: string): boolean {
  return (
    occursAtMost(MAX_CONTAINERS, json, ['{', '[']) && occursAtMost(MAX_SEPARATORS, json, [',', ':'])
  )
}

/**
 * Whether the characters occur at most `limit` times in total. Searches with `indexOf`, because a
 * loop over all characters costs as much as parsing.
 */
function occursAtMost(limit: number, text: string, characters: readonly string[]): boolean {
  let count = 0
  for (const character of characters) {
    for (let i = text.indexOf(character); i !== -1; i = text.indexOf(character, i + 1)) {
      if (++count > limit) return false
    }
  }
  return true
}

/**
 * Returns the value of the first top-level member `name` without parsing the rest; `undefined` if
 * the member is absent or not a string. `json` may be invalid JSON, so callers must compare the
 * result with the parsed object later.
 */
export function readTopLevelString(json: string, name: string): string | undefined {
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const character = json.charCodeAt(i)
    if (character === QUOTE) {
      const end = endOfString(json, i)
      const isNamed = end - i === name.length + 2 && json.startsWith(name, i + 1)
      const value = isNamed && depth === 1 ? afterColon(json, end) : undefined
      if (value !== undefined) return stringAt(json, value)
      i = end - 1
    } else if (character === OPENING_BRACE || character === OPENING_BRACKET) depth++
    else if (character === CLOSING_BRACE || character === CLOSING_BRACKET) depth--
  }
  return undefined
}

/** Returns the index after the closing quotation mark of the string that starts at `start`. */
function endOfString(json: string, start: number): number {
  let i = start + 1
  while (i < json.length && json.charCodeAt(i) !== QUOTE) {
    i += json.charCodeAt(i) === BACKSLASH ? 2 : 1
  }
  return i + 1
}

/**
 * Returns the index of a member's value if the string that ends at `end` is the member's name;
 * otherwise `undefined`.
 */
function afterColon(json: string, end: number): number | undefined {
  const colon = skipBlanks(json, end)
  return json.charCodeAt(colon) === COLON ? skipBlanks(json, colon + 1) : undefined
}

function skipBlanks(json: string, start: number): number {
  let i = start
  while (json.charCodeAt(i) <= SPACE) i++
  return i
}

function stringAt(json: string, start: number): string | undefined {
  if (json.charCodeAt(start) !== QUOTE) return undefined
  try {
    return JSON.parse(json.slice(start, endOfString(json, start)))
  } catch {
    return undefined
  }
}

const QUOTE = 0x22
const COLON = 0x3a
const OPENING_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSING_BRACKET = 0x5d
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d
const SPACE = 0x20
