/**
 * Prints the public API of a built package: every exported name of its entry points with its
 * declaration, and each type that these declarations refer to, sorted and without paths. To compare
 * two versions:
 *
 *     diff <(node scripts/public-api.js old/dist) <(node scripts/public-api.js dist)
 */
import { relative, resolve } from 'node:path'
import ts from 'typescript'

const dist = resolve(process.argv[2] ?? 'dist')
const entries = ['index', 'exchange/index', 'testing/index'].map((name) =>
  resolve(dist, `${name}.d.ts`),
)
const program = ts.createProgram(entries, {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  skipLibCheck: true,
})
const checker = program.getTypeChecker()
const declarations = new Map()

for (const entry of entries) {
  const file = program.getSourceFile(entry)
  if (file === undefined) throw new Error(`${entry} is missing: build the package first`)
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(file))
  console.log(
    `${relative(dist, entry)}: ${exported
      .map(({ name }) => name)
      .sort()
      .join(' ')}`,
  )
  for (const symbol of exported) collect(resolveAlias(symbol))
  // Module augmentations, such as those of Fastify's types, are not among the exports.
  for (const source of program.getSourceFiles()) {
    if (source.fileName.startsWith(dist))
      source.statements.filter(ts.isModuleDeclaration).forEach(collectAugmentation)
  }
}
for (const text of [...declarations.values()].flat().sort()) console.log(`\n${text}`)

function resolveAlias(symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

function collectAugmentation(node) {
  const key = node.getText()
  if (declarations.has(key)) return
  declarations.set(key, [textOf(node)])
  collectReferences(node)
}

function collect(symbol) {
  if (declarations.has(symbol)) return
  const own = (symbol.declarations ?? []).filter((node) =>
    node.getSourceFile().fileName.startsWith(dist),
  )
  if (own.length === 0 || own.some((node) => isMember(node))) return
  declarations.set(symbol, own.map(textOf))
  own.forEach(collectReferences)
}

function isMember({ parent }) {
  return !ts.isSourceFile(parent) && !ts.isVariableDeclarationList(parent)
}

function textOf(node) {
  const statement = ts.isVariableDeclaration(node) ? node.parent.parent : node
  const doc = ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc).at(-1)?.getText() ?? ''
  return `${doc}\n${statement.getText()}`.trim().replace(/import\("[./][^"]*"\)\./g, '')
}

function collectReferences(node) {
  if (ts.isIdentifier(node)) {
    const symbol = checker.getSymbolAtLocation(node)
    if (symbol !== undefined) collect(resolveAlias(symbol))
  }
  ts.forEachChild(node, collectReferences)
}
