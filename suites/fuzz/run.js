/**
 * Fuzz test with random input from fast-check: a million tokens, and the other targets in
 * proportion. `--short` runs 3,000 cases of a fixed seed. A failed run prints the command that
 * replays it. See docs/evidence/fuzzing.md for the options.
 */
import { spawnSync } from 'node:child_process'
import { build } from 'esbuild'

const outdir = '.build/fuzz'
await build({
  entryPoints: ['suites/fuzz/main.ts', 'suites/fuzz/harness/watchdog.ts'],
  outdir,
  outbase: 'suites/fuzz',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
})
const SHORT = ['--cases', '3000', '--seed', '20261122']
const options = process.argv.slice(2).flatMap((option) => (option === '--short' ? SHORT : [option]))
const node = ['--enable-source-maps', '--expose-gc', `${outdir}/main.js`]
const { status } = spawnSync(process.execPath, [...node, ...options], {
  stdio: 'inherit',
})
process.exitCode = status ?? 1
