/** Escapes untrusted text for a terminal, which interprets some characters as commands. */

/**
 * Matches control and format characters (bidirectional overrides, zero-width), line and paragraph
 * separators, lone surrogates, and private-use and unassigned code points.
 */
const UNPRINTABLE = /[\p{C}\u2028\u2029]/gu

/** Returns the text on one line, with unprintable characters escaped as in JSON. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, i) => escaped(character.charCodeAt(i))).join(''),
  )
}

/** Returns the value as JSON on one line, with unprintable characters escaped. */
export function printableJson(value: unknown): string {
  return printable(JSON.stringify(value))
}

/**
 * Returns the value as indented JSON with unprintable characters escaped. Parsing this JSON gives
 * an equal value.
 */
export function jsonDocument(value: unknown): string {
  return JSON.stringify(value, null, 2).split('\n').map(printable).join('\n')
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}
