/**
 * Tests stores and revocations against a real redis-server, which must be installed. Each test
 * starts a separate server. `--short` runs the slowest files with one client only. The variable
 * REDIS_SERVER can name another program, such as `valkey-server`.
 */
import { spawnSync } from 'node:child_process'
import { runTap } from '../../scripts/run-tap.js'

const server = process.env.REDIS_SERVER ?? 'redis-server'
if (spawnSync(server, ['--version']).status !== 0) {
  console.error(`${server} is not installed: apt-get install redis-server`)
  process.exit(2)
}
const env = process.argv.includes('--short') ? { SHORT: '1' } : {}
// More files than cores, because a server that fails or takes over is mostly waited for.
process.exitCode = runTap('suites/redis', '.redis.ts', { timeout: 900, jobs: 4, env })
