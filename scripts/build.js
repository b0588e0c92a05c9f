/**
 * Builds `dist`: the types file by file, the code in one file for each entry point. Node spends more
 * on opening a hundred small modules than on all that is in them.
 */
import { spawnSync } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { build } from 'esbuild'
import './clean.js'

const types = spawnSync('npx', ['tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
})
if (types.status !== 0) process.exit(types.status ?? 1)

const common = {
  outdir: 'dist',
  outbase: 'src',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  logLevel: 'warning',
}

await build({
  ...common,
  entryPoints: ['src/index.ts', 'src/testing/index.ts'],
  // What both entry points use is there once, so that its classes are the same.
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
})

// By itself: to share with the others would cut them into more files, which every API would open.
await build({ ...common, entryPoints: ['src/cli/bin.ts'] })
await chmod('dist/cli/bin.js', 0o755)
