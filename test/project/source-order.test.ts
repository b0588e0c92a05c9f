import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { below, MAY_IMPORT } from '../fixtures/source-folders.js'

const root = fileURLToPath(new URL('../../src', import.meta.url))

interface Import {
  readonly from: string
  readonly to: string
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.split(sep).join('/'))

const imports: Import[] = files.flatMap((from) =>
  specifiersIn(readFileSync(join(root, from), 'utf8')).map((specifier) => ({
    from,
    to: specifier.startsWith('.')
      ? posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
      : specifier,
  })),
)

const relatives = imports.filter(({ to }) => files.includes(to))

function specifiersIn(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '')
  return [
    ...code.matchAll(/(?:(?:^import|^export|^\} from)\b|\bimport\()[^'"\n]*['"]([^'"]+)['"]/gm),
  ].map(([, specifier]) => specifier as string)
}

function partOf(file: string): string {
  return (file.split('/')[0] as string).replace(/\.ts$/, '')
}

/** Excludes the testing kit and the command line, which use the product. */
function isProduct(file: string): boolean {
  return partOf(file) !== 'testing' && partOf(file) !== 'cli'
}

t.test('every file was read with its imports', async (t) => {
  t.ok(files.length > 30)
  t.ok(imports.length > files.length)
  t.match(relatives, new Set([{ from: 'pipeline.ts', to: 'token/find-signing-key.ts' }]))
  const lost = imports.filter(({ to }) => to.includes('/') && to.endsWith('.ts'))
  t.same(
    lost.filter(({ to }) => !files.includes(to)),
    [],
  )
  t.equal(relative(root, fileURLToPath(new URL('../../src/index.ts', import.meta.url))), 'index.ts')
})

t.test('every folder has a place in the order', async (t) => {
  const parts = [...new Set(files.map(partOf))]
  t.same(parts.sort(), Object.keys(MAY_IMPORT).sort(), 'the folders are those of MAY_IMPORT')
  const order = Object.keys(MAY_IMPORT)
  const upward = order.flatMap((part, place) =>
    below(part).filter((lower) => order.indexOf(lower) <= place),
  )
  t.same(upward, [], 'no module may import a module above it')
})

t.test('imports point down only', async (t) => {
  const wrong = relatives.filter(({ from, to }) => {
    const [above, lower] = [partOf(from), partOf(to)]
    return above !== lower && !below(above).includes(lower)
  })
  t.same(wrong, [])
})

t.test('no file imports itself, directly or indirectly', async (t) => {
  const below = new Map<string, Set<string>>()
  for (const { from, to } of relatives) below.set(from, (below.get(from) ?? new Set()).add(to))
  const circles = files.filter((file) => {
    const reached = new Set<string>()
    const next = [...(below.get(file) ?? [])]
    for (let at = next.pop(); at !== undefined; at = next.pop()) {
      if (reached.has(at)) continue
      reached.add(at)
      next.push(...(below.get(at) ?? []))
    }
    return reached.has(file)
  })
  t.same(circles, [])
})

t.test('no two files declare a type of the same name', async (t) => {
  const names = new Map<string, string[]>()
  for (const file of files) {
    const source = readFileSync(join(root, file), 'utf8')
    for (const [, name = ''] of source.matchAll(
      /^(?:export )?(?:type|interface|(?:abstract )?class) (\w+)/gm,
    )) {
      names.set(name, [...(names.get(name) ?? []), file])
    }
  }
  t.ok(names.size > 150)
  t.same(
    [...names].filter(([, places]) => new Set(places).size > 1),
    [],
  )
})

t.test('only the plugin imports Fastify, and testApi its types', async (t) => {
  const knowing = imports.filter(({ to }) => /^(?:@?fastify)/.test(to)).map(({ from }) => from)
  t.same([...new Set(knowing.filter(isProduct).map(partOf))], ['plugin'])
  const others = knowing.filter((file) => !isProduct(file))
  t.same(others, ['testing/test-api/test-api.ts'])
  const text = readFileSync(join(root, 'testing/test-api/test-api.ts'), 'utf8')
  t.match(text, /^import type \{[^}]*\} from 'fastify'$/m)
})

t.test('cryptography is used in two places, and the network in one', async (t) => {
  const of = (specifier: string) =>
    [
      ...new Set(
        imports
          .filter(({ to }) => to === specifier || to.startsWith(`${specifier}/`))
          .map(({ from }) => from),
      ),
    ]
      .filter(isProduct)
      .map(partOf)
  t.same(
    [...new Set(of('jose'))].sort(),
    ['decryption', 'exchange', 'http', 'introspection', 'keys'],
    'introspection for its types, http and exchange to read our own keys',
  )
  const verifying = imports.filter(({ from, to }) => to === 'node:crypto' && /^token\//.test(from))
  t.same([...new Set(verifying.map(({ from }) => from))], ['token/signature.ts'])
  t.same(of('node:http'), [])
  t.same(of('node:https'), [])
})

t.test('oauth4webapi is loaded only with introspection and with token exchange', async (t) => {
  const loads = (from: string, specifier: string) =>
    new RegExp(`^import (?!type ).*'${specifier}'|^\\} from '${specifier}'`, 'm').test(
      readFileSync(join(root, from), 'utf8').replace(/^import type [^']*'[^']*'/gm, ''),
    )
  const product = files.filter(isProduct)
  const loading = (specifier: string) =>
    product.filter((file) => loads(file, specifier)).map((file) => posix.basename(file))
  t.same(loading('oauth4webapi').sort(), [
    'client-authentication.ts',
    'introspection-request.ts',
    'token-request.ts',
  ])
  const authenticating = ['introspection-request.ts', 'token-request.ts']
  t.same(loading('[./a-z]*/client-authentication.js').sort(), authenticating)
  // The entry point of token exchange imports it statically; no other folder imports that entry point.
  t.same(loading('[./a-z]*/token-request.js'), ['create-token-exchanger.ts'])
  t.same(
    loading('[./a-z]*/introspection-request.js'),
    [],
    'the modules that implement the protocol are imported dynamically',
  )
})

t.test('nothing of the product imports the testing kit', async (t) => {
  const users = relatives.filter(({ from, to }) => partOf(to) === 'testing' && isProduct(from))
  t.same(users, [])
})

t.test('nothing imports the command line', async (t) => {
  const users = relatives.filter(({ from, to }) => partOf(to) === 'cli' && partOf(from) !== 'cli')
  t.same(users, [])
})
