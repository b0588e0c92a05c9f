/** What the command line of the fuzzer asks for. */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

export interface Settings {
  /** Of the target `tokens`; the others play their share of it. With `only`, of each that is named. */
  readonly cases: number
  readonly seed: number
  /** Where in the run of the seed the case is that is to be played again, as fast-check counts. */
  readonly path: string | undefined
  /** The targets to play; all where none is named. */
  readonly only: readonly string[]
}

const LONG = 1_000_000

/** @throws {TypeError} if an option is unknown or makes no sense. */
export function readSettings(args: readonly string[], targets: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string', default: `${LONG}` },
      seed: { type: 'string', default: `${randomInt(2 ** 31)}` },
      path: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
    },
  })
  const { cases, seed, path, only } = values
  const stranger = only.find((name) => !targets.includes(name))
  if (stranger !== undefined) {
    throw new TypeError(`no target is called ${stranger}; these are: ${targets.join(', ')}`)
  }
  if (path !== undefined && (only.length !== 1 || !/^\d+(?::\d+)*$/.test(path))) {
    throw new TypeError('--path is of one case: give --seed and --only as well')
  }
  return { cases: wholeNumber('cases', cases), seed: wholeNumber('seed', seed), path, only }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new TypeError(`--${name} must be a whole number`)
}
