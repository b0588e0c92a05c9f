/**
 * Stores and revocations against a real redis-server, which must be installed; each test starts its
 * own. `npm run test:redis`; with `-- --short`, the slowest suite runs with one client only.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

if (spawnSync('redis-server', ['--version']).status !== 0) {
  console.error('redis-server is not installed: apt-get install redis-server')
  process.exit(2)
}
const folder = 'test/redis'
const files = readdirSync(folder).filter((file) => file.endsWith('.redis.ts'))
const tap = ['tap', '--disable-coverage', '--timeout=600', '--reporter=tap', '--jobs=2']
const { status } = spawnSync('npx', [...tap, ...files.map((file) => `${folder}/${file}`)], {
  stdio: 'inherit',
  env: process.argv.includes('--short') ? { ...process.env, SHORT: '1' } : process.env,
  shell: process.platform === 'win32',
})
process.exitCode = status ?? 1
