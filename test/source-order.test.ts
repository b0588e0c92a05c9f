import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../src', import.meta.url))

/** The ground that everybody stands on: these import nothing but each other. */
const FOUNDATION = [
  'access-token',
  'access-token-claims',
  'algorithms',
  'application-function',
  'bounded-cache',
  'challenge',
  'confirmation',
  'deadline-timer',
  'diagnostics',
  'errors',
  'failure-text',
  'finding',
  'json-cost',
  'json-object',
  'loopback',
  'native-error',
  'now-or-later',
  'plain-object',
  'resource-metadata',
  'safe-logger',
  'secure-url',
  'statistics',
  'store-error',
  'throttle',
  'token68',
  'warn-once',
  'whole-number',
]

const PLUGIN = [
  'augment',
  'gate',
  'guard',
  'guarded-scopes',
  'openapi',
  'plugin',
  'plugin-options',
  'preflight',
  'rejections',
  'request-credentials',
  'request-target',
  'resource-metadata-route',
  'route-challenges',
  'route-declarations',
  'route-guard',
]

/**
 * The house from the roof down: a part is a folder, or a file beside the folders, and imports only
 * parts that stand below it, those that are named here. The foundation is open to all.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  cli: [
    'resource-server',
    'assembly',
    'options',
    'policy',
    'issuer',
    'token',
    'credentials',
    'testing',
    'client-authentication',
    'keys',
  ],
  index: [
    'plugin',
    'resource-server',
    'presented-token',
    'options',
    'credentials',
    'policy',
    'introspection',
    'revocation',
    'issuer',
    'binding',
    'keys',
    'stores',
  ],
  plugin: ['resource-server', 'assembly', 'options', 'credentials', 'policy', 'binding'],
  'resource-server': [
    'assembly',
    'presented-token',
    'options',
    'policy',
    'revocation',
    'binding',
    'keys',
    'stores',
  ],
  assembly: [
    'options',
    'pipeline',
    'policy',
    'introspection',
    'revocation',
    'issuer',
    'binding',
    'token',
    'keys',
    'stores',
  ],
  'presented-token': ['binding'],
  options: ['introspection', 'issuer', 'keys', 'stores', 'client-authentication'],
  pipeline: ['cache', 'introspected-token', 'revocation', 'issuer', 'binding', 'token'],
  'introspected-token': ['issuer', 'binding', 'token'],
  introspection: ['issuer', 'keys', 'stores', 'client-authentication'],
  cache: ['issuer', 'keys'],
  issuer: ['token', 'keys'],
  policy: ['binding'],
  binding: ['token', 'keys', 'stores'],
  token: ['keys'],
  keys: [],
  revocation: ['stores'],
  stores: [],
  credentials: [],
  testing: ['client-authentication'],
  'client-authentication': [],
  foundation: [],
}

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
  const part = (file.split('/')[0] as string).replace(/\.ts$/, '')
  if (FOUNDATION.includes(part)) return 'foundation'
  return PLUGIN.includes(part) ? 'plugin' : part
}

/** Neither the testing kit nor the command line, which use the product. */
function isProduct(file: string): boolean {
  return partOf(file) !== 'testing' && partOf(file) !== 'cli'
}

t.test('every file was read, with what it imports', async (t) => {
  t.ok(files.length > 30)
  t.ok(imports.length > files.length)
  t.match(relatives, new Set([{ from: 'pipeline.ts', to: 'token/signer.ts' }]))
  const lost = imports.filter(({ to }) => to.includes('/') && to.endsWith('.ts'))
  t.same(
    lost.filter(({ to }) => !files.includes(to)),
    [],
  )
  t.equal(relative(root, fileURLToPath(new URL('../src/index.ts', import.meta.url))), 'index.ts')
})

t.test('every part has its place in the order', async (t) => {
  const parts = [...new Set(files.map(partOf))]
  t.same(parts.filter((part) => !(part in MAY_IMPORT)).sort(), [], 'add it to MAY_IMPORT')
  const order = Object.keys(MAY_IMPORT)
  const upward = order.flatMap((part, place) =>
    (MAY_IMPORT[part] ?? []).filter((below) => order.indexOf(below) <= place),
  )
  t.same(upward, [], 'nothing may import what stands above it')
})

t.test('imports point down only', async (t) => {
  const wrong = relatives.filter(({ from, to }) => {
    const [above, below] = [partOf(from), partOf(to)]
    return above !== below && below !== 'foundation' && !MAY_IMPORT[above]?.includes(below)
  })
  t.same(wrong, [])
})

t.test('no file imports itself, by whatever way', async (t) => {
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

t.test('of issuers and keys, the options know profiles and words only', async (t) => {
  const known = relatives
    .filter(({ from, to }) => partOf(from) === 'options' && /^(?:issuer|keys)\//.test(to))
    .map(({ to }) => to)
  t.same([...new Set(known)].sort(), [
    'issuer/addresses/entra.ts',
    'issuer/addresses/known.ts',
    'issuer/addresses/okta.ts',
    'issuer/entra-tenant.ts',
    'issuer/identifier.ts',
    'issuer/profiles/custom.ts',
    'issuer/profiles/named.ts',
    'issuer/profiles/profile.ts',
    'keys/fetch-json.ts',
    'keys/key-store.ts',
  ])
})

t.test('only the plugin knows Fastify', async (t) => {
  const knowing = imports.filter(({ to }) => /^(?:@?fastify)/.test(to)).map(({ from }) => from)
  t.same([...new Set(knowing.map(partOf))], ['plugin'])
})

t.test('cryptography is done in two places, and the network is in one', async (t) => {
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
    ['client-authentication', 'keys', 'options'],
    'options for its types, client-authentication to read our own key',
  )
  const verifying = imports.filter(({ from, to }) => to === 'node:crypto' && /^token\//.test(from))
  t.same([...new Set(verifying.map(({ from }) => from))], ['token/signature.ts'])
  t.same(of('node:http'), [])
  t.same(of('node:https'), [])
})

t.test('oauth4webapi is loaded where introspection is asked for, and not before', async (t) => {
  const loads = (from: string, specifier: string) =>
    new RegExp(`^import (?!type ).*'${specifier}'|^\\} from '${specifier}'`, 'm').test(
      readFileSync(join(root, from), 'utf8').replace(/^import type [^']*'[^']*'/gm, ''),
    )
  const product = files.filter(isProduct)
  const loading = (specifier: string) => product.filter((file) => loads(file, specifier)).sort()
  t.same(loading('oauth4webapi'), ['client-authentication.ts', 'introspection/exchange.ts'])
  t.same(loading('[./]*client-authentication.js'), ['introspection/exchange.ts'])
  t.same(loading('[./a-z]*/exchange.js'), [], 'what speaks the protocol is imported at run time')
})

t.test('nothing of the product imports the testing kit', async (t) => {
  const users = relatives.filter(({ from, to }) => partOf(to) === 'testing' && isProduct(from))
  t.same(users, [])
})

t.test('nothing imports the command line', async (t) => {
  const users = relatives.filter(({ from, to }) => partOf(to) === 'cli' && partOf(from) !== 'cli')
  t.same(users, [])
})
