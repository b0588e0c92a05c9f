/**
 * Module hooks that run TypeScript: './x.js' names './x.ts' as in the sources, and each file is
 * transpiled by TypeScript's own `transpileModule`, once. A result is cached under the hash of
 * everything that it depends on, so it cannot be stale; the compiler is loaded on a miss only.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const CACHE = fileURLToPath(new URL('../node_modules/.cache/transpiled/', import.meta.url))
const TSCONFIG = readFileSync(new URL('../tsconfig.json', import.meta.url), 'utf8')
const { version } = require('typescript/package.json')
const TAP_LOADER = '/@tapjs/typescript/dist/esm/import.mjs'

/** Resolves './x.js' to './x.ts' where only that exists, whichever module imports it. */
export function resolve(specifier, context, next) {
  if (/^(\.\.?\/|file:).*\.js(\?|$)/.test(specifier)) {
    const url = new URL(specifier, context.parentURL)
    const source = new URL(url.href.replace(/\.js(?=\?|$)/, '.ts'))
    if (!url.href.includes('/node_modules/') && !existsSync(url) && existsSync(source)) {
      return next(source.href, context)
    }
  }
  return next(specifier, context)
}

export function load(url, context, next) {
  if (url.endsWith(TAP_LOADER)) return { format: 'module', source: '', shortCircuit: true }
  if (!/\.ts(\?|$)/.test(url)) return next(url, context)
  return { format: 'module', source: javascriptOf(fileURLToPath(url)), shortCircuit: true }
}

function javascriptOf(path) {
  const text = readFileSync(path, 'utf8')
  const key = createHash('sha256').update(JSON.stringify([version, TSCONFIG, path, text]))
  const cached = `${CACHE}${key.digest('hex')}.js`
  try {
    return readFileSync(cached, 'utf8')
  } catch {
    const code = transpile(path, text)
    // Two processes may transpile one file at once: each writes its own, then renames it.
    const unfinished = `${cached}.${process.pid}`
    mkdirSync(CACHE, { recursive: true })
    writeFileSync(unfinished, code)
    renameSync(unfinished, cached)
    return code
  }
}

/** Returns the code with its source map inline: coverage and stack traces name lines of TypeScript. */
function transpile(fileName, text) {
  const ts = require('typescript')
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...JSON.parse(TSCONFIG).compilerOptions, module: 'esnext', inlineSources: true },
    '.',
  )
  const { outputText, sourceMapText } = ts.transpileModule(text, {
    fileName,
    compilerOptions: options,
  })
  const map = JSON.stringify({ ...JSON.parse(sourceMapText), file: fileName, sources: [fileName] })
  const code = outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, '')
  const base64 = Buffer.from(map).toString('base64')
  return `${code}//# sourceMappingURL=data:application/json;charset=utf-8;base64,${base64}`
}
