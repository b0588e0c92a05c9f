/** `npm run conformance`: the suite in test/conformance, made one file of and run. */
import { spawnSync } from 'node:child_process'
import { build } from 'esbuild'

const outfile = '.build/conformance/run.js'

await build({
  entryPoints: ['test/conformance/run.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // The package itself, too: it is tested as built.
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
})
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], {
  stdio: 'inherit',
})
process.exitCode = status ?? 2
