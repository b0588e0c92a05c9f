/**
 * Builds `dist`: the types file by file, the code in one file for each entry point. Node spends more
 * on opening a hundred small modules than on all that is in them.
 */
import { spawnSync } from 'node:child_process'
import { build } from 'esbuild'
import './clean.js'

const types = spawnSync('npx', ['tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
})
if (types.status !== 0) process.exit(types.status ?? 1)

await build({
  entryPoints: ['src/index.ts', 'src/testing/index.ts'],
  outdir: 'dist',
  outbase: 'src',
  bundle: true,
  // What both entry points use is there once, so that its classes are the same.
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  logLevel: 'warning',
})
