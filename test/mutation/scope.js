/** What is mutated, and which tests judge it: those of the same name, and some that see it at work. */
import { readdirSync } from 'node:fs'

/** What stands between a stranger and a route, the quickest first. */
const GROUPS = [
  {
    mutated: ['src/credentials/'],
    judges: ['credentials/', 'binding/presented-token', 'wire'],
  },
  {
    mutated: ['src/errors/challenge.ts'],
    judges: ['challenge', 'errors', 'step-up', 'wire', 'resource-metadata'],
  },
  {
    mutated: ['src/token/'],
    judges: [
      'token/',
      'cache/',
      'pipeline',
      'json-object',
      'cve',
      'binding/proof',
      'issuer/audience-from',
      'issuer/profiles',
      'issuer/custom-profile',
      'statistics',
    ],
  },
  {
    mutated: ['src/binding/'],
    judges: ['binding/', 'stores/replay', 'mtls', 'credentials/', 'diagnostics'],
  },
  {
    mutated: ['src/keys/'],
    judges: [
      'keys/',
      'issuer/remote-key-set',
      'token/signer',
      'cve',
      'diagnostics',
      'resource-server',
    ],
  },
  { mutated: ['src/policy/'], judges: ['policy/', 'step-up', 'plugin'] },
  {
    mutated: ['src/cache/', 'src/pipeline/pipeline.ts', 'src/plugin/guard.ts'],
    judges: ['cache/', 'pipeline', 'plugin', 'resource-server'],
  },
  { mutated: ['src/stores/'], judges: ['stores/', 'binding/replay-memory'] },
  { mutated: ['src/revocation/'], judges: ['revocation/', 'revocation'] },
  {
    mutated: ['src/introspection/'],
    judges: ['introspection/', 'introspection', 'introspected-token'],
  },
]

/** Those that take seconds, which a hasty run does without. */
const SLOW = [
  'binding/dpop',
  'cve',
  'issuer/remote-key-set',
  'keys/file-key-store',
  'keys/saved-keys',
  'mtls',
  'token/base64url',
  'token/known-headers',
  'token/signature',
  'wire',
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
