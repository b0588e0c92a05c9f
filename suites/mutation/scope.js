/**
 * Lists the mutated files with their tests: tests of the same name, and tests that use the file.
 */
import { readdirSync } from 'node:fs'

/** The sources that decide about access to a route, in the order of run time. */
const GROUPS = [
  {
    mutated: ['src/credentials/'],
    tests: ['credentials/', 'api/accepted-schemes', 'api/wire'],
  },
  {
    mutated: ['src/errors/www-authenticate.ts'],
    tests: ['errors/', 'api/step-up', 'api/wire', 'api/resource-metadata'],
  },
  {
    mutated: ['src/token/'],
    tests: [
      'token/',
      'pipeline/',
      'base/json-object',
      'api/cve',
      'binding/dpop/proof',
      'issuer/audience-from',
      'issuer/no-audience',
      'issuer/providers/profiles',
      'issuer/providers/custom',
      'issuer/providers/session-claims',
      'observability/statistics',
      'policy/actor-requirement',
    ],
  },
  {
    mutated: ['src/binding/'],
    tests: [
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
    tests: [
      'keys/',
      'token/find-signing-key',
      'api/cve',
      'api/diagnostics',
      'server/resource-server',
    ],
  },
  {
    mutated: ['src/base/request-headers.ts', 'src/base/thumbprint.ts'],
    tests: ['base/', 'credentials/', 'binding/'],
  },
  {
    mutated: ['src/policy/'],
    tests: [
      'policy/',
      'api/application-function',
      'api/openapi',
      'api/operation-requirements',
      'api/plugin',
      'api/registration',
      'api/step-up',
      'server/arrays-with-holes',
      'server/mistaken-values',
    ],
  },
  {
    mutated: ['src/pipeline/'],
    tests: [
      'pipeline/',
      'api/bound-introspected-tokens',
      'api/introspected-token',
      'api/merged-claims',
      'api/plugin',
      'server/resource-server',
    ],
  },
  {
    mutated: ['src/plugin/guard.ts', 'src/base/end-of-turn.ts'],
    tests: [
      'base/end-of-turn',
      'plugin/guard',
      'api/plugin',
      'api/rejections',
      'api/accepted-schemes',
      'api/diagnostics',
      'api/dpop',
      'api/whole-headers',
    ],
  },
  { mutated: ['src/stores/'], tests: ['stores/', 'binding/dpop/replay-cache'] },
  { mutated: ['src/revocation/'], tests: ['revocation/', 'api/revocation'] },
  {
    mutated: ['src/introspection/'],
    tests: ['introspection/', 'api/introspection', 'api/introspected-token'],
  },
]

/** Tests that take seconds, which a hasty run skips. */
const SLOW = [
  'api/dpop',
  'api/cve',
  'keys/jwks-discovery',
  'keys/persisted-keys',
  'api/mtls',
  'token/base64url',
  'token/known-headers',
  'token/signature',
  'api/wire',
].map((name) => `test/${name}.test.ts`)

/** Returns the groups with their files; `only` selects sources by a part of their path. */
export function groups(only, hasty) {
  const sources = filesIn('src', '.ts')
  const allTests = filesIn('test', '.test.ts').filter((file) => !(hasty && SLOW.includes(file)))
  return GROUPS.map(({ mutated, tests }) => ({
    name: mutated[0],
    mutated: sources
      .filter((file) => mutated.some((path) => file.startsWith(path)))
      .filter((file) => only === undefined || only.some((part) => file.includes(part))),
    tests: allTests.filter((file) =>
      tests.some(
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
