/** Bundles each test file and the sources that it imports into one module, which can be loaded repeatedly. */
import { readFileSync } from 'node:fs'
import { basename, dirname, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const tap = fileURLToPath(new URL('./tap.js', import.meta.url))

/** Returns the path of each test file's module. */
export async function bundle(tests, sources, folder) {
  await build({
    entryPoints: tests.map((test) => ({ in: test, out: moduleName(test) })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    keepNames: true,
    logLevel: 'warning',
    plugins: [instrumented(sources)],
  })
  return new Map(tests.map((test) => [test, resolve(folder, `${moduleName(test)}.mjs`)]))
}

function moduleName(test) {
  return `${dirname(test)}/${basename(test, '.ts')}`.replaceAll('/', '-')
}

function instrumented(sources) {
  return {
    name: 'instrumented',
    setup(esbuild) {
      esbuild.onResolve({ filter: /^tap$/ }, () => ({
        path: pathToFileURL(tap).href,
        external: true,
      }))
      esbuild.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const name = relative(process.cwd(), path).replaceAll('\\', '/')
        const text = sources.get(name) ?? readFileSync(path, 'utf8')
        // Files that resolve paths relative to themselves must still find them.
        const url = JSON.stringify(pathToFileURL(path).href)
        return { contents: text.replaceAll('import.meta.url', url), loader: 'ts' }
      })
    },
  }
}
