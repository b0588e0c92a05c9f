/** Packs the package as npm publishes it, for suites that install it as users do. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const MINUTE_MS = 60_000

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Builds dist and packs it. Returns the output of `npm pack` and the path of the tarball. */
export async function pack(destination) {
  const packed = await npm(['pack', '--json', '--pack-destination', destination], root)
  // The output of the build precedes the JSON.
  const [contents] = JSON.parse(packed.slice(packed.search(/^\[/m)))
  return { ...contents, tarball: join(destination, contents.filename) }
}

export async function npm(args, cwd) {
  const { stdout } = await execute('npm', args, {
    cwd,
    timeout: 3 * MINUTE_MS,
    maxBuffer: 16 * 1024 * 1024,
    shell: process.platform === 'win32',
  })
  return stdout
}

/**
 * Returns the environment without the variables that a test runner or npm sets for its own
 * processes.
 */
export function cleanEnvironment() {
  const { NODE_OPTIONS: _options, NODE_ENV: _environment, ...rest } = process.env
  return rest
}
