/** What is mutated, and which tests judge it: those of the same name, and some that see it at work. */
import { readdirSync } from 'node:fs'

/** What stands between a stranger and a route, the quickest first. */
const GROUPS = [
  {
    mutated: ['src/credentials/'],
    judges: ['credentials/', 'api/accepted-schemes', 'api/wire'],
  },
  {
    mutated: ['src/errors/www-authenticate.ts'],
    judges: ['errors/', 'api/step-up', 'api/wire', 'api/resource-metadata'],
  },
  {
    mutated: ['src/token/'],
    judges: [
      'token/',
      'pipeline/',
      'base/json-object',
      'api/cve',
      'binding/dpop/proof',
      'issuer/audience-from',
      'issuer/providers/profiles',
      'issuer/providers/custom',
      'observability/statistics',
    ],
  },
  {
    mutated: ['src/binding/'],
    judges: [
      'binding/',
      'api/dpop',
      'api/dpop-reasons',
      'api/bound-introspected-tokens',
      'plugin/request-elsewhere',
      'plugin/request-target',
      'stores/replay',
      'api/mtls',
      'credentials/',
      'api/accepted-schemes',
      'api/diagnostics',
    ],
  },
  {
    mutated: ['src/keys/'],
    judges: [
      'keys/',
      'token/find-signing-key',
      'api/cve',
      'api/diagnostics',
      'server/resource-server',
    ],
  },
  {
    mutated: ['src/base/request-headers.ts', 'src/base/thumbprint.ts'],
    judges: ['base/', 'credentials/', 'binding/'],
  },
  { mutated: ['src/policy/'], judges: ['policy/', 'api/step-up', 'api/plugin'] },
  {
    mutated: ['src/pipeline/', 'src/plugin/guard.ts'],
    judges: ['pipeline/', 'api/plugin', 'server/resource-server'],
  },
  { mutated: ['src/stores/'], judges: ['stores/', 'binding/dpop/replay-cache'] },
  { mutated: ['src/revocation/'], judges: ['revocation/', 'api/revocation'] },
  {
    mutated: ['src/introspection/'],
    judges: ['introspection/', 'api/introspection', 'api/introspected-token'],
  },
]

/** Those that take seconds, which a hasty run does without. */
const SLOW = [
  'api/dpop',
  'api/cve',
  'keys/jwks-discovery',
  'keys/file-key-store',
  'keys/persisted-keys',
  'api/mtls',
  'token/base64url',
  'token/known-headers',
  'token/signature',
  'api/wire',
].map((name) => `test/${name}.test.ts`)

/** Each group with its files: of these, those whose path has a part of `only` in it. */
export function groups(only, hasty) {
  const sources = filesIn('src', '.ts')
  const tests = filesIn('test', '.test.ts').filter((file) => !(hasty && SLOW.includes(file)))
  return GROUPS.map(({ mutated, judges }) => ({
    name: mutated[0],
    mutated: sources
      .filter((file) => mutated.some((path) => file.startsWith(path)))
      .filter((file) => only === undefined || only.some((part) => file.includes(part))),
    judges: tests.filter((file) =>
      judges.some(
        (path) =>
          file === `test/${path}.test.ts` ||
          (path.endsWith('/') && file.startsWith(`test/${path}`)),
      ),
    ),
  })).filter(({ mutated }) => mutated.length > 0)
}

function filesIn(folder, ending) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith(ending) && !file.includes('/node_modules/'))
    .sort()
}
