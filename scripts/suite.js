/**
 * Runs a suite that is not part of `npm test`: `npm run suite -- NAME [arguments]`. First builds
 * the package and the examples, and installs the dependencies of the suite's own package.json, if
 * any.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const [name, ...options] = process.argv.slice(2)
const names = readdirSync('suites').filter((suite) => existsSync(`suites/${suite}/run.js`))

if (names.includes(name)) {
  run(['scripts/build.js', '--examples'])
  if (existsSync(`suites/${name}/package-lock.json`)) install(`suites/${name}`)
  run([`suites/${name}/run.js`, ...options])
} else {
  console.error('Usage: npm run suite -- NAME [arguments], where NAME is one of:\n')
  for (const suite of names) console.error(`  ${suite.padEnd(21)} ${summaryOf(suite)}`)
  process.exitCode = 2
}

/** Exits with the status of the command if it fails. */
function run(args, command = process.execPath) {
  const { status } = spawnSync(command, args, {
    stdio: 'inherit',
    shell: command !== process.execPath && process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? 1)
}

function install(folder) {
  run(['--prefix', folder, 'install', '--silent', '--no-save'], 'npm')
}

/** Returns the first sentence of the header comment of the suite's run.js. */
function summaryOf(suite) {
  const [comment = ''] =
    /^\/\*\*[\s\S]*?\*\//.exec(readFileSync(`suites/${suite}/run.js`, 'utf8')) ?? []
  const text = comment
    .replace(/^\/\*\*|\*\/$/g, '')
    .replace(/\s*\n?\s\*\s/g, ' ')
    .trim()
  return /^.*?[.:](?=\s|$)/.exec(text)?.[0].replace(/:$/, '.') ?? text
}
