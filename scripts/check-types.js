/**
 * Type-checks all TypeScript as `tsc --noEmit` does, and finds returned rejections that the code
 * ignores. An ignored rejection would accept an untrusted caller. If a function returns a value,
 * the value's type prevents that; for functions without one, such as `check…`, only this script
 * does. One compiler program serves both, because creating it takes most of the time.
 */
import { readFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const FIXTURE = `${root}/test/fixtures/unread-rejections.ts`
const formatHost = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => root,
  getNewLine: () => '\n',
}

const { config } = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile)
const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
const program = ts.createProgram(fileNames, { ...options, noEmit: true })
const checker = program.getTypeChecker()
const rejection = declaredType(`${root}/src/errors/resource-server-error.ts`, 'ResourceServerError')

const typeErrors = ts.getPreEmitDiagnostics(program)
if (typeErrors.length > 0) console.error(ts.formatDiagnostics(typeErrors, formatHost).trimEnd())

const sources = fileNames.filter((file) => file.startsWith(`${root}/src/`))
if (sources.length < 100) throw new Error(`only ${sources.length} files of src were compiled`)
const unread = sources.flatMap(unreadIn)
for (const place of unread) console.error(`${place}: a rejection is returned here and ignored`)

const missed = difference(markedIn(FIXTURE), unreadIn(FIXTURE))
for (const place of missed)
  console.error(`${place}: the result of this script differs from the "// unread" mark`)

if (typeErrors.length + unread.length + missed.length > 0) process.exitCode = 1

function declaredType(file, name) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file))
  const symbol = checker.getExportsOfModule(module).find((exported) => exported.name === name)
  return checker.getDeclaredTypeOfSymbol(symbol)
}

/** Returns `file:line` of each place where a rejection may be ignored. */
function unreadIn(file) {
  const source = program.getSourceFile(file)
  const found = new Set()
  const visit = (node) => {
    if (isUnread(node))
      found.add(placeOf(file, ts.getLineAndCharacterOfPosition(source, node.getStart(source)).line))
    ts.forEachChild(node, visit)
  }
  visit(source)
  return [...found]
}

function isUnread(node) {
  if (ts.isExpressionStatement(node) || ts.isVoidExpression(node)) return isDropped(node.expression)
  // The caller that awaits the promise would take the rejection for a result.
  if (ts.isFunctionLike(node)) return resolvesToRejection(checker.getSignatureFromDeclaration(node))
  if (!ts.isCallExpression(node)) return false
  const called = checker.getResolvedSignature(node)
  return resolvesToRejection(called) || node.arguments.some(isRejectionIgnoredByCaller)
}

function isDropped(expression) {
  const isAssignment =
    ts.isBinaryExpression(expression) && /^(?:=|\?\?=)$/.test(expression.operatorToken.getText())
  return !isAssignment && mayBeRejection(checker.getTypeAtLocation(expression))
}

function partsOf(type) {
  return type.isUnion() ? type.types : [type]
}

function mayBeRejection(type) {
  const isKnown = (part) => (part.flags & (ts.TypeFlags.Any | ts.TypeFlags.Never)) === 0
  return partsOf(type).some((part) => isKnown(part) && checker.isTypeAssignableTo(part, rejection))
}

function resolvesToRejection(signature) {
  if (signature === undefined) return false
  return partsOf(signature.getReturnType()).some((part) => {
    if (part.symbol?.name !== 'Promise') return false
    return checker.getTypeArguments(part).some(mayBeRejection)
  })
}

/** Whether the argument is a function that returns a rejection to a caller that expects `void`. */
function isRejectionIgnoredByCaller(argument) {
  const wanted = checker.getContextualType(argument)?.getCallSignatures() ?? []
  const returnsVoid = (signature) => (signature.getReturnType().flags & ts.TypeFlags.Void) !== 0
  if (wanted.length === 0 || !wanted.every(returnsVoid)) return false
  const signatures = checker.getTypeAtLocation(argument).getCallSignatures()
  return signatures.some((signature) => mayBeRejection(signature.getReturnType()))
}

function markedIn(file) {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.flatMap((line, index) => (line.endsWith('// unread') ? [placeOf(file, index)] : []))
}

function placeOf(file, index) {
  return `${relative(root, file)}:${index + 1}`
}

function difference(a, b) {
  return [...a.filter((x) => !b.includes(x)), ...b.filter((x) => !a.includes(x))]
}
