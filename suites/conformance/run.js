/**
 * Checks the conformance of any resource server with the RFCs: see docs/evidence/conformance.md for the
 * options.
 */
import { spawnSync } from 'node:child_process'
import { build } from 'esbuild'

const outfile = '.build/conformance/run.js'

await build({
  entryPoints: ['suites/conformance/main.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // The package itself as well: it is tested as built.
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
})
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], {
  stdio: 'inherit',
})
process.exitCode = status ?? 2
