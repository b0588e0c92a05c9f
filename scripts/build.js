/**
 * Builds `dist`: the types one file per module, the code bundled per entry point, because opening a
 * hundred small modules takes longer than running them. `npm run check` checks the types of the
 * examples.
 *
 *     node scripts/build.js             # the package, if its inputs have changed
 *     node scripts/build.js --fresh     # the package, even if nothing has changed
 *     node scripts/build.js --examples  # the examples as well, into .build
 */
import { cpSync, rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { tsc } from './tsc.js'
import { forget, whenChanged } from './when-changed.js'

const output = { format: 'esm', platform: 'node', target: 'node20.19', logLevel: 'warning' }

const [mode] = process.argv.slice(2)
process.chdir(fileURLToPath(new URL('..', import.meta.url)))
if (mode === '--fresh') clean()

await whenChanged('package', {
  inputs: ['src', 'tsconfig.build.json'],
  output: 'dist/cli/bin.js',
  build: buildPackage,
})
if (mode === '--examples') {
  await whenChanged('examples', {
    inputs: ['examples'],
    output: '.build/examples/playground/page/index.html',
    build: async () => {
      rmSync('.build/examples', { recursive: true, force: true })
      await build({
        ...output,
        entryPoints: ['examples/**/*.ts'],
        outdir: '.build/examples',
        outbase: 'examples',
      })
      const page = 'examples/playground/page'
      cpSync(page, `.build/${page}`, { recursive: true })
    },
  })
}

async function buildPackage() {
  clean()
  tsc('tsconfig.build.json')
  const common = { ...output, outdir: 'dist', outbase: 'src', bundle: true, packages: 'external' }
  await build({
    ...common,
    entryPoints: [
      'src/index.ts',
      'src/exchange/index.ts',
      'src/testing/index.ts',
      // Starts the thread by the URL of its program, relative to this file.
      'src/decryption/threaded-decryption.ts',
      'src/decryption/decryption-worker.ts',
    ],
    // The entry points import shared modules from common chunks, so that `instanceof` works across
    // them.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
  })
  // A separate build: shared chunks would split the other bundles into more files for every API to
  // open.
  await build({
    ...common,
    entryPoints: ['src/cli/bin.ts'],
    // The file from the build above: the path from dist/cli is the one from src/server.
    external: ['../decryption/threaded-decryption.js'],
  })
  await chmod('dist/cli/bin.js', 0o755)
}

/** Also removes the built examples, because they import `dist`. Keeps the site, which does not. */
function clean() {
  for (const output of ['dist', '.build/examples']) {
    rmSync(output, { recursive: true, force: true })
  }
  for (const name of ['package', 'examples']) forget(name)
}
