/** Compiles Stryker's mutants of the sources into one program, each behind a switch. */
import { readFileSync } from 'node:fs'
import { Instrumenter } from '@stryker-mutator/instrumenter'

const silent = () => {}
const logger = { isDebugEnabled: () => false, debug: silent, info: silent, warn: console.warn }
const options = { plugins: null, excludedMutations: [], ignorers: [] }

/** Returns the instrumented sources by path, and the mutants with location, original and replacement. */
export async function instrument(paths) {
  const files = paths.map((name) => ({ name, mutate: true, content: readFileSync(name, 'utf8') }))
  const result = await new Instrumenter(logger).instrument(files, options)
  const texts = new Map(files.map(({ name, content }) => [name, content.split('\n')]))
  const seen = new Map()
  return {
    sources: new Map(result.files.map(({ name, content }) => [name, content])),
    mutants: result.mutants.map((mutant) => described(mutant, texts.get(mutant.fileName), seen)),
  }
}

function described(
  { id, fileName: file, location, mutatorName: mutator, replacement },
  text,
  seen,
) {
  const { start, end } = location
  const lines = text.slice(start.line, end.line + 1)
  lines.push(lines.pop().slice(0, end.column))
  const original = flat(lines.join('\n').slice(start.column))
  const context = flat(text[start.line])
  const name = [file, context, mutator, original, flat(replacement)].join('\n')
  const times = seen.get(name) ?? 0
  seen.set(name, times + 1)
  // Identifies the mutant in another run, even if lines were added above it.
  const key = `${name}\n${times}`
  const place = { line: start.line + 1, column: start.column + 1 }
  return { id, key, file, ...place, context, mutator, original, replacement: flat(replacement) }
}

function flat(text) {
  return text.replace(/\s+/g, ' ').trim()
}
