/**
 * Runs one of the suites beside `npm test`: `npm run suite -- NAME [arguments]`. Builds the package and
 * the examples first, and installs what the suite has in a package.json of its own.
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
  console.error('npm run suite -- NAME [arguments], where NAME is one of:\n')
  for (const suite of names) console.error(`  ${suite.padEnd(21)} ${summaryOf(suite)}`)
  process.exitCode = 2
}

/** Ends the process if the program fails. */
function run(program, command = process.execPath) {
  const { status } = spawnSync(command, program, {
    stdio: 'inherit',
    shell: command !== process.execPath && process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? 1)
}

function install(folder) {
  run(['--prefix', folder, 'install', '--silent', '--no-save'], 'npm')
}

/** The first sentence of the comment that the suite's program begins with. */
function summaryOf(suite) {
  const [comment = ''] =
    /^\/\*\*[\s\S]*?\*\//.exec(readFileSync(`suites/${suite}/run.js`, 'utf8')) ?? []
  const text = comment
    .replace(/^\/\*\*|\*\/$/g, '')
    .replace(/\s*\n?\s\*\s/g, ' ')
    .trim()
  return /^.*?[.:](?=\s|$)/.exec(text)?.[0].replace(/:$/, '.') ?? text
}
