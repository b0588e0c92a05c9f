/**
 * A refusal that is returned and that nobody looks at would let a stranger in. Where a step has a
 * result, the compiler sees to it: no refusal passes for one. Where it has none, as `check…`, this
 * test does, with the types that the compiler knows.
 */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))
const fixture = `${root}test/fixtures/unread-refusals.ts`
const { config } = ts.readConfigFile(`${root}tsconfig.build.json`, ts.sys.readFile)
const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
const program = ts.createProgram([...fileNames, fixture], { ...options, rootDir: root })
const checker = program.getTypeChecker()
const refusal = declaredType(`${root}src/errors/errors.ts`, 'ResourceServerError')

function declaredType(file: string, name: string): ts.Type {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file) as ts.SourceFile)
  const symbol = checker.getExportsOfModule(module as ts.Symbol).find((one) => one.name === name)
  return checker.getDeclaredTypeOfSymbol(symbol as ts.Symbol)
}

/** `file:line` of each place where a refusal may get lost. */
function unreadIn(file: string): string[] {
  const source = program.getSourceFile(file) as ts.SourceFile
  const found = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (isUnread(node)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
      found.add(`${relative(root, file)}:${line + 1}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return [...found]
}

function isUnread(node: ts.Node): boolean {
  if (ts.isExpressionStatement(node) || ts.isVoidExpression(node)) return isDropped(node.expression)
  // Whoever waits for it would take it for a result.
  if (ts.isFunctionLike(node)) return resolvesToRefusal(checker.getSignatureFromDeclaration(node))
  if (!ts.isCallExpression(node)) return false
  const called = checker.getResolvedSignature(node)
  return resolvesToRefusal(called) || node.arguments.some(returnsRefusalToNobody)
}

const ASSIGNMENTS = /^(?:=|\?\?=)$/

function isDropped(expression: ts.Expression): boolean {
  const isAssignment =
    ts.isBinaryExpression(expression) && ASSIGNMENTS.test(expression.operatorToken.getText())
  return !isAssignment && mayBeRefusal(checker.getTypeAtLocation(expression))
}

function partsOf(type: ts.Type): readonly ts.Type[] {
  return type.isUnion() ? type.types : [type]
}

function mayBeRefusal(type: ts.Type): boolean {
  const says = (part: ts.Type) => (part.flags & (ts.TypeFlags.Any | ts.TypeFlags.Never)) === 0
  return partsOf(type).some((part) => says(part) && checker.isTypeAssignableTo(part, refusal))
}

function resolvesToRefusal(signature: ts.Signature | undefined): boolean {
  if (signature === undefined) return false
  return partsOf(signature.getReturnType()).some((part) => {
    if (part.symbol?.name !== 'Promise') return false
    return checker.getTypeArguments(part as ts.TypeReference).some(mayBeRefusal)
  })
}

/** A function whose caller looks at nothing that it returns. */
function returnsRefusalToNobody(node: ts.Expression): boolean {
  const wanted = checker.getContextualType(node)?.getCallSignatures() ?? []
  const isRead = wanted.some(
    (signature) => (signature.getReturnType().flags & ts.TypeFlags.Void) === 0,
  )
  if (wanted.length === 0 || isRead) return false
  const signatures = checker.getTypeAtLocation(node).getCallSignatures()
  return signatures.some((signature) => mayBeRefusal(signature.getReturnType()))
}

t.test('every way to leave a refusal unread is found', async (t) => {
  const lines = readFileSync(fixture, 'utf8').split('\n')
  const marked = lines.flatMap((line, i) =>
    line.endsWith('// unread') ? `${relative(root, fixture)}:${i + 1}` : [],
  )
  t.equal(marked.length, 11)
  t.strictSame(unreadIn(fixture), marked)
})

t.test('none is left unread in what is shipped', async (t) => {
  t.ok(fileNames.length > 100)
  t.strictSame(fileNames.flatMap(unreadIn), [])
})
