/** Colors text for terminals. */
import type { Output, ProcessContext } from './context.js'

export interface Colors {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
}

/**
 * Returns functions that color a text if `output` is a terminal with colors, and otherwise return
 * the text unchanged. `FORCE_COLOR` overrides `NO_COLOR`, as in Node, and both override terminal
 * detection.
 */
export function colorsFor(output: Output, env: ProcessContext['env']): Colors {
  const hasColors = wantsColors(output, env)
  const style = (code: number) => (text: string) =>
    hasColors ? `\x1b[${code}m${text}\x1b[0m` : text
  return { bold: style(1), dim: style(2), red: style(31), green: style(32) }
}

function wantsColors({ isTTY }: Output, { FORCE_COLOR, NO_COLOR, TERM }: ProcessContext['env']) {
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  if (NO_COLOR) return false
  return isTTY === true && TERM !== 'dumb'
}
