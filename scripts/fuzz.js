/**
 * What comes from outside, made up by fast-check: `npm run fuzz` plays a million tokens and the
 * other targets in proportion, `npm run test:fuzz` a short run. What a failed run prints replays it.
 * See docs/fuzzing.md for the options.
 */
import { spawnSync } from 'node:child_process'
import { build } from 'esbuild'

const outdir = '.build/fuzz'
await build({
  entryPoints: ['test/fuzz/run.ts', 'test/fuzz/stage/watchdog.ts'],
  outdir,
  outbase: 'test/fuzz',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
})
const node = ['--enable-source-maps', '--expose-gc', `${outdir}/run.js`]
const { status } = spawnSync(process.execPath, [...node, ...process.argv.slice(2)], {
  stdio: 'inherit',
})
process.exitCode = status ?? 1
