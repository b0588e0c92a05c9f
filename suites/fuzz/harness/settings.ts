/** Reads the command-line options of the fuzzer. */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

export interface Settings {
  /** Cases of the target `tokens`; others run their share of it. With `only`, cases of each target. */
  readonly cases: number
  readonly seed: number
  /** fast-check's path of the one case to replay. */
  readonly path: string | undefined
  /** Names of the targets to run; all targets if empty. */
  readonly only: readonly string[]
}

const LONG = 1_000_000

/** @throws {TypeError} if an option is unknown or invalid. */
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
  const unknown = only.find((name) => !targets.includes(name))
  if (unknown !== undefined) {
    throw new TypeError(`unknown target "${unknown}"; the targets are: ${targets.join(', ')}`)
  }
  if (path !== undefined && (only.length !== 1 || !/^\d+(?::\d+)*$/.test(path))) {
    throw new TypeError('--path replays one case: give --seed and one --only as well')
  }
  return { cases: wholeNumber('cases', cases), seed: wholeNumber('seed', seed), path, only }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new TypeError(`--${name} must be a whole number`)
}
