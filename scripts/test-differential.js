/**
 * The same tokens to jose and to us, in numbers: 120,000 unless `DIFFERENTIAL_TOKENS` says
 * otherwise. `DIFFERENTIAL_SEED` plays other ones; the seed of a run stands in its output.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const folder = 'test/differential'
const files = readdirSync(folder).filter((file) => file.endsWith('.test.ts'))
const tap = ['tap', '--disable-coverage', '--timeout=1800', '--reporter=tap']
const { status } = spawnSync('npx', [...tap, ...files.map((file) => `${folder}/${file}`)], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: { DIFFERENTIAL_TOKENS: '120000', ...process.env },
})
process.exitCode = status ?? 1
