/**
 * Compiles user code against the built package: suites/types/consumer.* must compile in every
 * module resolution mode, and suites/types/must-not-compile.ts must fail on each marked line, with
 * the error that the mark names, and on no other line. Requires dist: `npm run build`.
 * `--consumers` skips must-not-compile.ts, because its errors also depend on Fastify's types.
 */
import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))
const consumer = `${root}suites/types/consumer.ts`
const commonjs = `${root}suites/types/consumer.cts`
const mistakes = `${root}suites/types/must-not-compile.ts`

const strict = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
}
const nodenext = {
  ...strict,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
}

if (!existsSync(`${root}dist/index.d.ts`)) {
  console.error('not ok: dist is missing: run "npm run build" first')
  process.exit(1)
}

// The strictest options: the declaration files are checked as well, including this package's.
requireCompiles('ES module, nodenext', consumer, {
  ...nodenext,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
})
requireCompiles('ES module, bundler', consumer, {
  ...strict,
  module: ts.ModuleKind.Preserve,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  verbatimModuleSyntax: true,
  isolatedModules: true,
})
requireCompiles('CommonJS, nodenext', commonjs, nodenext)
if (!process.argv.includes('--consumers'))
  requireMarkedErrors('mistakes, nodenext', mistakes, nodenext)

/** Requires that the code compiles without errors. */
function requireCompiles(name, file, options) {
  report(name, `${short(file)} compiles`, diagnose(file, options).map(describe))
}

/** Requires that each line marked `// expect TS1234` has that error, and that there is no other. */
function requireMarkedErrors(name, file, options) {
  const diagnostics = diagnose(file, options)
  const expected = markers(file)
  const found = new Map(
    diagnostics.map((diagnostic) => [`${lineOf(diagnostic)} TS${diagnostic.code}`, diagnostic]),
  )
  const problems = [
    ...expected
      .filter((marker) => !found.has(marker))
      .map((marker) => `${short(file)}:${marker} expected an error, but the compiler reports none`),
    ...[...found]
      .filter(([marker]) => !expected.includes(marker))
      .map(([, diagnostic]) => `unexpected: ${describe(diagnostic)}`),
  ]
  if (expected.length === 0) problems.push('no line is marked')
  report(name, `${expected.length} mistakes of ${short(file)} are found`, problems)
}

function diagnose(file, options) {
  const program = ts.createProgram([file], options)
  requireBuilt(program)
  return ts.getPreEmitDiagnostics(program)
}

/** Checks that the code compiles against the built package, not against its sources. */
function requireBuilt(program) {
  const files = program.getSourceFiles().map(({ fileName }) => fileName)
  const built = files.includes(`${root}dist/index.d.ts`)
  const sources = files.filter((file) => file.startsWith(`${root}src/`))
  if (built && sources.length === 0) return
  throw new Error(`not compiled against dist: ${sources.join(', ')}`)
}

function markers(file) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, i) => {
      const codes = /\/\/ expect ((?:TS\d+ ?)+)$/.exec(line)?.[1].split(' ') ?? []
      return codes.map((code) => `${i + 1} ${code}`)
    })
}

function lineOf({ file, start }) {
  return file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
}

function describe(diagnostic) {
  const { file, code, messageText } = diagnostic
  const place = file === undefined ? 'options' : `${short(file.fileName)}:${lineOf(diagnostic)}`
  return `${place} TS${code} ${ts.flattenDiagnosticMessageText(messageText, '\n    ')}`
}

function short(file) {
  return relative(root, file)
}

function report(name, claim, problems) {
  if (problems.length === 0) return console.log(`ok ${name}: ${claim}`)
  console.error(`not ok ${name}: ${claim}`)
  for (const problem of problems) console.error(`  ${problem}`)
  process.exitCode = 1
}
