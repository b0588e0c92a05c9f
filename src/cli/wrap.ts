/** Breaks text between words, so that a terminal breaks no word. */
import type { Output } from './context.js'

/** The smallest width for which text is wrapped: in narrower terminals, few words fit in a line. */
const MIN_WIDTH = 40

/** Returns the width of the terminal, in columns; `undefined` if the output is not a terminal. */
export function widthOf({ isTTY, columns }: Output): number | undefined {
  return isTTY === true && columns ? Math.max(MIN_WIDTH, columns) : undefined
}

/**
 * Returns the text with line breaks between words. A word that is wider than a line stays whole.
 *
 * @param width the width of a line, in columns; `undefined` leaves the text unchanged.
 * @param indent the indentation of each line after the first.
 * @param start the column at which the text starts. Default: `indent`.
 */
export function wrap(
  text: string,
  width: number | undefined,
  indent: number,
  start: number = indent,
): string {
  if (width === undefined) return text
  const lines: string[] = []
  let line = ''
  let column = start
  for (const word of text.split(' ')) {
    if (line !== '' && column + 1 + word.length > width) {
      lines.push(line)
      line = word
      column = indent + word.length
    } else {
      line += line === '' ? word : ` ${word}`
      column = (lines.length === 0 ? start : indent) + line.length
    }
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`)
}
