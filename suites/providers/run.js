/**
 * Prints what the plugin accepts, rejects and reads for each profile. Each row is the fixture of a
 * profile, checked in an app with exactly the registration of the fixture. Names of profiles as
 * arguments select rows. Exits with 1 if a cell fails.
 */
import { spawnSync } from 'node:child_process'
import { build } from 'esbuild'

const outfile = '.build/providers/main.js'
await build({
  entryPoints: ['suites/providers/main.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
})
const { status } = spawnSync(
  process.execPath,
  ['--enable-source-maps', outfile, ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
process.exitCode = status ?? 1
