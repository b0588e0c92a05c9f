/** Writes the source of the files that `init` creates. */

import { httpUrl } from '../../http/secure-url.js'
import type { ResolvedIssuer } from '../../issuer/options.js'
import { providerOwning } from '../../issuer/providers/providers.js'
import { TOKEN_PROFILES } from '../../testing/authorization-server/tokens/token-profiles.js'
import { UsageError } from '../exit-code.js'
import type { Answers } from './answers.js'
import type { Project } from './project.js'

export interface GeneratedFile {
  /** The path relative to the project, with slashes. */
  readonly path: string
  readonly text: string
  /** What the file is for. */
  readonly purpose: string
}

/** What the user answered, and the flags that become options of the plugin. */
export interface Choices extends Answers {
  readonly jwksUri: string | undefined
}

export interface Generated {
  readonly plugin: GeneratedFile
  readonly test: GeneratedFile
  readonly env: GeneratedFile
  /** `undefined` if the project has a package.json. */
  readonly manifest: GeneratedFile | undefined
}

export function generate(project: Project, answers: Choices, issuer: ResolvedIssuer): Generated {
  const extension = project.isTypeScript ? 'ts' : 'js'
  return {
    plugin: {
      path: pluginPath(project),
      text: pluginText(project),
      purpose: 'protects every route of the app',
    },
    test: {
      path: `test/auth.test.${extension}`,
      text: testText(project, answers),
      purpose: 'tests the plugin with the authorization server of the testing kit',
    },
    env: {
      path: '.env',
      text: envText(answers, issuer),
      purpose: 'the options of the plugin, no secret',
    },
    manifest: project.hasPackageJson
      ? undefined
      : {
          path: 'package.json',
          text: `${JSON.stringify({ private: true, type: 'module' }, null, 2)}\n`,
          purpose: 'ECMAScript modules',
        },
  }
}

/**
 * Returns the paths of the files that must not exist, before any question is asked: those that are
 * written, and those of the same name in the other language, which the app would load as well.
 */
export function protectedPaths({ plugins }: Project): readonly string[] {
  const names = [`${plugins}/auth`, 'test/auth.test']
  return names.flatMap((name) => ['js', 'ts'].map((extension) => `${name}.${extension}`))
}

function pluginPath({ plugins, isTypeScript }: Project): string {
  return `${plugins}/auth.${isTypeScript ? 'ts' : 'js'}`
}

function pluginText({ isTypeScript, isModule }: Project): string {
  const isScript = !isTypeScript && !isModule
  const imports = isTypeScript
    ? [
        "import type { FastifyPluginAsync } from 'fastify'",
        "import fp from 'fastify-plugin'",
        "import resourceServer, {\n  optionsFromEnvironment,\n  type PluginOptions,\n} from 'fastify-resource-server'",
      ]
    : isScript
      ? [
          "const fp = require('fastify-plugin')",
          "const { default: resourceServer, optionsFromEnvironment } = require('fastify-resource-server')",
        ]
      : [
          "import fp from 'fastify-plugin'",
          "import resourceServer, { optionsFromEnvironment } from 'fastify-resource-server'",
        ]
  const declaration = isTypeScript
    ? `
export interface AuthOptions {
  /** Options of the resource server, for tests. Default: those in the environment. */
  auth?: PluginOptions
}
`
    : ''
  return `/**
 * Protects every route of the app: a request needs an access token of the issuer.
 *
 *     config: { auth: false }                    // opens a route
 *     config: { auth: { scope: 'orders:read' } } // requires a scope
 *
 * The options are in the variables AUTH_ISSUER, AUTH_AUDIENCE, ...: node --env-file=.env reads them.
 */
${imports.join('\n')}
${declaration}
const authPlugin${isTypeScript ? ': FastifyPluginAsync<AuthOptions>' : ''} = async (app, options) => {
  const auth = options.auth ?? optionsFromEnvironment(process.env, { prefix: 'AUTH_' })
  await app.register(resourceServer, auth)
}

// fp applies the protection to the whole app, and not only to the routes of this plugin.
${isScript ? 'module.exports =' : 'export default'} fp(authPlugin, { name: 'auth' })
`
}

function importsOf(isScript: boolean, names: readonly (readonly [name: string, from: string])[]) {
  return names.map(([name, from]) =>
    isScript ? `const ${name} = require('${from}')` : `import ${name} from '${from}'`,
  )
}

function testText(project: Project, { profile }: Answers): string {
  const { isTypeScript, isModule, plugins } = project
  const isScript = !isTypeScript && !isModule
  const testing = isTypeScript
    ? '{ type AuthorizationServer, createAuthorizationServer }'
    : '{ createAuthorizationServer }'
  const imports = importsOf(isScript, [
    ['assert', 'node:assert/strict'],
    ['{ after, before, describe, it }', 'node:test'],
    [isTypeScript ? 'Fastify, { type FastifyInstance }' : 'Fastify', 'fastify'],
    [testing, 'fastify-resource-server/testing'],
    ['auth', `../${plugins}/auth.js`],
  ])
  const [serverType, appType, tokenType] = isTypeScript
    ? [': AuthorizationServer', ': FastifyInstance', ': string']
    : ['', '', '']
  // Other profiles have no imitation in the testing kit.
  const imitated = Object.hasOwn(TOKEN_PROFILES, profile) ? profile : 'standard'
  return `/** Tests the plugin with an authorization server in this process. No request leaves the machine. */
${imports.join('\n')}

describe('auth', () => {
  let authorizationServer${serverType}
  let app${appType}

  before(async () => {
    authorizationServer = await createAuthorizationServer({ profile: '${imitated}' })
    const { issuer, audience } = authorizationServer
    app = Fastify()
    await app.register(auth, { auth: { issuer, audience, profile: '${imitated}' } })
    app.get('/me', async (request) => ({ user: request.claims.sub }))
    app.get('/orders', { config: { auth: { scope: 'orders:read' } } }, async () => [])
  })
  after(async () => {
    await app.close()
    await authorizationServer.close()
  })

  const get = (url${tokenType}, token${tokenType}) =>
    app.inject({ url, headers: { authorization: \`Bearer \${token}\` } })

  it('accepts an access token of the issuer', async () => {
    const response = await get('/me', await authorizationServer.issueToken())
    assert.equal(response.statusCode, 200)
    assert.ok(response.json().user)
  })

  it('rejects a request without a token, an expired token, and a token for another API', async () => {
    assert.equal((await app.inject('/me')).statusCode, 401)
    const expired = await authorizationServer.issueToken({}, { expiresIn: -60 })
    assert.equal((await get('/me', expired)).statusCode, 401)
    const forAnother = await authorizationServer.issueToken({ aud: 'api://other' })
    assert.equal((await get('/me', forAnother)).statusCode, 401)
  })

  it('rejects a token without the scope of the route', async () => {
    const reader = await authorizationServer.issueToken({}, { scope: 'orders:read' })
    assert.equal((await get('/orders', reader)).statusCode, 200)
    const other = await authorizationServer.issueToken({}, { scope: 'orders:write' })
    assert.equal((await get('/orders', other)).statusCode, 403)
  })
})
`
}

function envText({ issuer, audience, profile, jwksUri }: Choices, { allowHttp }: ResolvedIssuer) {
  const url = httpUrl(issuer)
  // The domain of the issuer implies the profile of the provider that owns it.
  const implied = (url && providerOwning(url)?.name) ?? 'standard'
  const variables = [
    ['ISSUER', issuer],
    ['AUDIENCE', audience.map(listElement).join(',')],
    ...(profile === implied ? [] : [['PROFILE', profile]]),
    ...(jwksUri === undefined ? [] : [['JWKS_URI', jwksUri]]),
    ...(allowHttp ? [['DANGEROUSLY_ALLOW_HTTP', 'true']] : []),
  ] as const
  const lines = variables.map(([name, value]) => `AUTH_${name}=${envValue(`${value}`)}\n`)
  return `# Not secret. Node reads this file with --env-file=.env.\n${lines.join('')}`
}

/** @throws {UsageError} if the audience contains the delimiter of lists. */
function listElement(audience: string): string {
  if (!audience.includes(',')) return audience
  throw new UsageError(
    'an audience must contain no comma, which delimits audiences in .env: set the option "audience" in the code instead',
  )
}

/** @throws {UsageError} if a file of environment variables cannot contain the value. */
function envValue(value: string): string {
  if (/^[\w.:/@%+,={}~-]+$/.test(value)) return value
  if (/^[^'\p{C}\u2028\u2029]+$/u.test(value)) return `'${value}'`
  throw new UsageError('an audience must contain no single quotation mark and no line break')
}
