/** Runs test files that need other programs than Node, such as a server or a browser, with tap. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

/**
 * @param folder the folder of the suite, such as `suites/redis`.
 * @param ending the suffix of its test files, such as `.redis.ts`.
 * @param options `names`: only these files, without the suffix. `timeout`: seconds per file.
 *   `jobs`: number of files that run in parallel. `env`: variables added to those of this process.
 * @returns the exit code.
 */
export function runTap(folder, ending, { names, timeout, jobs = 1, env = {} }) {
  const files = (names ?? namesIn(folder, ending)).map((name) => `${folder}/${name}${ending}`)
  const options = ['--disable-coverage', '--reporter=tap', `--timeout=${timeout}`, `--jobs=${jobs}`]
  const { status } = spawnSync('npx', ['tap', ...options, ...files], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  })
  return status ?? 1
}

function namesIn(folder, ending) {
  const files = readdirSync(folder).filter((file) => file.endsWith(ending))
  return files.map((file) => file.slice(0, -ending.length))
}
