/** Escapes untrusted text for a terminal, which interprets some characters as commands. */

/** Controls, formats (bidirectional overrides, zero-width), separators, lone surrogates, unassigned. */
const UNPRINTABLE = /[\p{C}\u2028\u2029]/gu

/** Returns the text on one line, with unprintable characters escaped as in JSON. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, i) => escaped(character.charCodeAt(i))).join(''),
  )
}

/** As JSON on one line. */
export function printableJson(value: unknown): string {
  return printable(JSON.stringify(value))
}

/** Returns a JSON document with unprintable characters escaped, which parses to the same value. */
export function jsonDocument(value: unknown): string {
  return JSON.stringify(value, null, 2).split('\n').map(printable).join('\n')
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}
