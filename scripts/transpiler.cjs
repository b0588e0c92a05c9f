/**
 * What turns a TypeScript file into JavaScript while the tests run (tsconfig.json names it, for
 * tap's loader): TypeScript's own `transpileModule`, once a file. tap starts a process for every
 * test file, and each transpiled all of src again; that was most of the suite's time.
 *
 * A result is kept under the hash of all that it depends on, so it can't be stale.
 */
const { createHash } = require('node:crypto')
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { join, relative } = require('node:path')
const ts = require('typescript')

const ROOT = join(__dirname, '..')
const KEPT = join(ROOT, 'node_modules', '.cache', 'transpiled')

exports.create = ({ service }) => {
  // Everything here is an ES module, as package.json says.
  const compilerOptions = { ...service.config.options, module: ts.ModuleKind.ESNext }
  const settings = JSON.stringify([ts.version, compilerOptions])

  return {
    transpile(input, { fileName }) {
      const path = join(KEPT, hash([settings, relative(ROOT, fileName), input]))
      return kept(path) ?? keep(path, ts.transpileModule(input, { fileName, compilerOptions }))
    },
  }
}

function hash(parts) {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

function kept(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

function keep(path, { outputText, sourceMapText }) {
  const result = { outputText, sourceMapText }
  // Two processes may transpile one file at once: each writes its own, then swaps it in whole.
  const unfinished = `${path}.${process.pid}`
  mkdirSync(KEPT, { recursive: true })
  writeFileSync(unfinished, JSON.stringify(result))
  renameSync(unfinished, path)
  return result
}
