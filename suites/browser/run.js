/**
 * Tests pages in a real Chromium, which must be installed. `--screenshot` also writes
 * docs/playground.png, which requires the fonts Inter and JetBrains Mono. `CHROMIUM` names a
 * browser other than Debian's.
 */
import { existsSync } from 'node:fs'
import { runTap } from '../../scripts/run-tap.js'

const { CHROMIUM = '/usr/bin/chromium' } = process.env
if (!existsSync(CHROMIUM)) {
  console.error(
    `${CHROMIUM} does not exist: apt-get install chromium, or set CHROMIUM to a browser`,
  )
  process.exit(2)
}
const writes = process.argv.includes('--screenshot')
const env = { CHROMIUM, ...(writes && { SCREENSHOT: 'write' }) }
process.exitCode = runTap('suites/browser', '.browser.ts', { timeout: 300, env })
