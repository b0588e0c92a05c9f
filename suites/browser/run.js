/**
 * Tests pages in a real Chromium, which must be installed. Builds the site. `--screenshot` also writes
 * docs/playground.png, which requires the fonts Inter and JetBrains Mono. `CHROMIUM` names a
 * browser other than Debian's.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { runTap } from '../../scripts/run-tap.js'

const { CHROMIUM = '/usr/bin/chromium' } = process.env
if (!existsSync(CHROMIUM)) {
  console.error(
    `${CHROMIUM} does not exist: apt-get install chromium, or set CHROMIUM to a browser`,
  )
  process.exit(2)
}
const { status } = spawnSync(process.execPath, ['scripts/docs.js'], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
const writes = process.argv.includes('--screenshot')
const env = { CHROMIUM, ...(writes && { SCREENSHOT: 'write' }) }
process.exitCode = runTap('suites/browser', '.browser.ts', { timeout: 300, jobs: 2, env })
