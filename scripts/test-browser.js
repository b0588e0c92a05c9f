/**
 * Pages in a real Chromium, which must be installed. `npm run test:browser`; with `-- --screenshot`
 * it also writes docs/playground.png, for which the fonts Inter and JetBrains Mono are wanted.
 * `CHROMIUM` names another browser than Debian's.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

const { CHROMIUM = '/usr/bin/chromium' } = process.env
if (!existsSync(CHROMIUM)) {
  console.error(`${CHROMIUM} is not there: apt-get install chromium, or set CHROMIUM to a browser`)
  process.exit(2)
}
const writes = process.argv.includes('--screenshot')
const folder = 'test/browser'
const files = readdirSync(folder).filter((file) => file.endsWith('.browser.ts'))
const tap = ['tap', '--disable-coverage', '--timeout=300', '--reporter=tap', '--jobs=1']
const { status } = spawnSync('npx', [...tap, ...files.map((file) => `${folder}/${file}`)], {
  stdio: 'inherit',
  env: { ...process.env, CHROMIUM, ...(writes && { SCREENSHOT: 'write' }) },
  shell: process.platform === 'win32',
})
process.exitCode = status ?? 1
