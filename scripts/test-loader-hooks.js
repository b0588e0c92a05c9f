/**
 * Module hooks that run TypeScript: './x.js' names './x.ts' as in the sources, and esbuild
 * transpiles each file once. A result is cached under the hash of everything that it depends on, so
 * it cannot be stale.
 *
 * With `{ sharedProcess: true }` as data, `import t from 'tap'` in a test file returns the subtest
 * that scripts/tests/worker.js runs the file in instead of the root of the process, and tap tracks
 * asynchronous code with scripts/tests/async-domain.js.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transform, version } from 'esbuild'

const CACHE = fileURLToPath(new URL('../node_modules/.cache/transpiled/', import.meta.url))
const TSCONFIG = readFileSync(new URL('../tsconfig.json', import.meta.url), 'utf8')
const TAP_LOADER = '/@tapjs/typescript/dist/esm/import.mjs'
const TYPESCRIPT = /\.ts(\?|$)/
const SUBTEST = 'subtest-of:'
const ASYNC_DOMAIN = new URL('./tests/async-domain.js', import.meta.url).href

let sharedProcess = false

export function initialize(data) {
  sharedProcess = data?.sharedProcess ?? false
}

/** Resolves './x.js' to './x.ts' if only the latter exists. */
export function resolve(specifier, context, next) {
  if (/^(\.\.?\/|file:).*\.js(\?|$)/.test(specifier)) {
    const url = new URL(specifier, context.parentURL)
    const source = new URL(url.href.replace(/\.js(?=\?|$)/, '.ts'))
    if (!url.href.includes('/node_modules/') && !existsSync(url) && existsSync(source)) {
      return next(source.href, context)
    }
  }
  if (sharedProcess && specifier === 'tap' && TYPESCRIPT.test(context.parentURL)) {
    return { url: SUBTEST + context.parentURL, shortCircuit: true }
  }
  if (sharedProcess && specifier === 'async-hook-domain') {
    return { url: ASYNC_DOMAIN, shortCircuit: true }
  }
  return next(specifier, context)
}

export async function load(url, context, next) {
  if (url.endsWith(TAP_LOADER)) return { format: 'module', source: '', shortCircuit: true }
  if (url.startsWith(SUBTEST)) {
    const source = "export default globalThis[Symbol.for('subtest of the test file')]"
    return { format: 'module', source, shortCircuit: true }
  }
  if (!TYPESCRIPT.test(url)) return next(url, context)
  return { format: 'module', source: await javascriptOf(fileURLToPath(url)), shortCircuit: true }
}

async function javascriptOf(path) {
  const text = readFileSync(path, 'utf8')
  const key = createHash('sha256').update(JSON.stringify([version, TSCONFIG, path, text]))
  const cached = `${CACHE}${key.digest('hex')}.js`
  try {
    return readFileSync(cached, 'utf8')
  } catch {
    const code = await transpile(path, text)
    // Writes to a file per process and renames it, because two processes may transpile one file at
    // once.
    const unfinished = `${cached}.${process.pid}`
    mkdirSync(CACHE, { recursive: true })
    writeFileSync(unfinished, code)
    renameSync(unfinished, cached)
    return code
  }
}

/**
 * Returns code with an inline source map, so that coverage and stack traces refer to TypeScript.
 */
async function transpile(sourcefile, text) {
  const options = {
    loader: 'ts',
    sourcefile,
    sourcemap: 'inline',
    target: 'es2023',
    tsconfigRaw: TSCONFIG,
    logLevel: 'silent',
  }
  try {
    return (await transform(text, options)).code
  } catch ({ errors: [{ text, location }] }) {
    throw new SyntaxError(`${sourcefile}:${location.line}:${location.column + 1}: ${text}`)
  }
}
