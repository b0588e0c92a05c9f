/**
 * Tests stores and revocations against a real redis-server, which must be installed. Each test
 * starts a separate server. `--short` runs the slowest file with one client only.
 */
import { spawnSync } from 'node:child_process'
import { runTap } from '../../scripts/run-tap.js'

if (spawnSync('redis-server', ['--version']).status !== 0) {
  console.error('redis-server is not installed: apt-get install redis-server')
  process.exit(2)
}
const env = process.argv.includes('--short') ? { SHORT: '1' } : {}
process.exitCode = runTap('suites/redis', '.redis.ts', { timeout: 600, jobs: 2, env })
