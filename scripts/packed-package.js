/** The package as it would be published, for scripts that try it as a user would. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const MINUTE = 60_000

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Builds dist, and packs it into the folder. What npm says of the tarball, and where it is. */
export async function pack(destination) {
  const packed = await npm(['pack', '--json', '--pack-destination', destination], root)
  // What the build prints stands before it.
  const [contents] = JSON.parse(packed.slice(packed.search(/^\[/m)))
  return { ...contents, tarball: join(destination, contents.filename) }
}

export async function npm(args, cwd) {
  const { stdout } = await execute('npm', args, {
    cwd,
    timeout: 3 * MINUTE,
    maxBuffer: 16 * 1024 * 1024,
    shell: process.platform === 'win32',
  })
  return stdout
}

/** Without what a test runner or npm has set for itself. */
export function cleanEnvironment() {
  const { NODE_OPTIONS: _options, NODE_ENV: _environment, ...rest } = process.env
  return rest
}
