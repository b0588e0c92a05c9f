/**
 * Tests whether a resource server conforms to the RFCs. See docs/evidence/conformance.md for the
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
  // The package itself is external as well, so that the suite tests the build.
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
})
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], {
  stdio: 'inherit',
})
process.exitCode = status ?? 2
