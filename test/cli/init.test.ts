/** `init` adds the plugin to a project, with a test that passes. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import t, { type Test } from 'tap'
import { PROFILE_NAMES } from '../../src/issuer/providers/providers.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { type HereOptions, type Outcome, runBuilt, runHere } from './fixtures/run.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const KEYCLOAK = ['--profile', 'keycloak', '--issuer', 'https://sso.example/realms/a']
const ANSWERS = [...KEYCLOAK, '--audience', 'orders']
const TSCONFIG = JSON.stringify({
  compilerOptions: {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    types: ['node'],
    skipLibCheck: true,
  },
  include: ['esm', 'cjs'],
})

function init(cwd: string, args: readonly string[], options: HereOptions = {}): Promise<Outcome> {
  return runHere(['init', ...args], { cwd, ...options })
}

/** Makes the packages available that `npm install` would install. */
function install(folder: string): void {
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  for (const name of ['fastify', 'fastify-plugin', '@types/node']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
  symlinkSync(ROOT, join(folder, 'node_modules/fastify-resource-server'))
}

async function node(cwd: string, ...args: string[]): Promise<Outcome> {
  const { PATH = '' } = process.env
  return new Promise((resolve) => {
    const options = { cwd, env: { PATH }, timeout: 120_000 }
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    )
  })
}

const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8')

async function passes(t: Test, folder: string, files: readonly string[]) {
  const { code, stdout } = await node(folder, '--test', ...files)
  t.equal(code, 0, stdout)
  t.match(stdout, new RegExp(`^# pass ${3 * files.length}$`, 'm'))
}

t.test('the test that init writes into an empty folder passes', async (t) => {
  const folder = t.testdir()
  const authorizationServer = await createAuthorizationServer({ profile: 'keycloak' })
  t.teardown(() => authorizationServer.close())
  const { issuer } = authorizationServer
  const args = ['init', '--profile', 'keycloak', '--issuer', issuer, '--audience', 'account']
  const { code, stdout, stderr } = await runBuilt(args, { cwd: folder })
  t.strictSame([code, stderr], [0, ''])
  t.match(stdout, /✔ metadata .*\n.*✔ keys +1 usable key/)
  t.match(stdout, 'npm install fastify fastify-plugin fastify-resource-server\n')
  t.match(stdout, 'node --test test/auth.test.js\n')
  t.match(stdout, "import auth from './plugins/auth.js'\n    await app.register(auth)\n")
  const files = readdirSync(folder, { recursive: true }).sort()
  t.strictSame(files, [
    '.env',
    '.gitignore',
    'package.json',
    'plugins',
    'plugins/auth.js',
    'test',
    'test/auth.test.js',
  ])
  t.strictSame(JSON.parse(read(folder, 'package.json')), { private: true, type: 'module' })
  t.equal(read(folder, '.gitignore'), '.env\n')
  t.match(parseEnv(read(folder, '.env')), {
    AUTH_ISSUER: issuer,
    AUTH_AUDIENCE: 'account',
    AUTH_PROFILE: 'keycloak',
  })
  install(folder)
  await passes(t, folder, ['test/auth.test.js'])

  // The app verifies tokens with the options in .env.
  const app = `
    import Fastify from 'fastify'
    import auth from './plugins/auth.js'
    const app = Fastify()
    await app.register(auth)
    app.get('/', async (request) => request.claims.sub)
    const authorization = 'Bearer ' + process.argv[1]
    console.log((await app.inject({ url: '/', headers: { authorization } })).statusCode)
    await app.close()`
  const run = (...flags: string[]) =>
    node(folder, ...flags, '--input-type=module', '-e', app, '--', token)
  const token = await authorizationServer.issueToken()
  t.match(await run('--env-file=.env'), { code: 0, stdout: '200\n' })
  t.match((await run()).stderr, 'AUTH_ISSUER is not set')
})

t.test('writes CommonJS and TypeScript, as the project does', async (t) => {
  const parent = t.testdir({
    'tsconfig.json': TSCONFIG,
    script: { 'package.json': '{}', src: {} },
    esm: { 'package.json': '{"type":"module"}', 'tsconfig.json': '{}' },
    cjs: { 'package.json': '{"type":"commonjs"}', 'tsconfig.json': '{}' },
    forced: { 'tsconfig.json': '{}' },
    chosen: {},
  })
  const inFolder = (name: string, ...flags: string[]) =>
    init(join(parent, name), [...ANSWERS, '--offline', ...flags])
  const { stdout } = await inFolder('script')
  t.match(stdout, "const auth = require('./plugins/auth.js')\n    app.register(auth)\n")
  t.match(stdout, 'app.register(async (app) => {\n')
  t.match(stdout, 'node --env-file=.env src/app.js\n')
  t.match(read(parent, 'script/src/plugins/auth.js'), /^module\.exports = /m)
  for (const name of ['esm', 'cjs']) {
    t.match((await inFolder(name)).stdout, 'npx tsx --test test/auth.test.ts\n')
    t.equal(existsSync(join(parent, name, 'plugins/auth.ts')), true)
  }
  await inFolder('forced', '--javascript')
  t.equal(existsSync(join(parent, 'forced/plugins/auth.js')), true)
  await inFolder('chosen', '--typescript')
  t.equal(existsSync(join(parent, 'chosen/plugins/auth.ts')), true)

  install(parent)
  const tsc = await node(parent, join(ROOT, 'node_modules/typescript/bin/tsc'))
  t.strictSame([tsc.stdout, tsc.code], ['', 0])
  const tests = ['script', 'esm', 'cjs'].map((name) => `${name}/test/auth.test.js`)
  await passes(t, parent, tests)
})

t.test('asks for what is missing at the terminal', async (t) => {
  const issuer = 'https://acme.okta.com/oauth2/default'
  for (const [typed, flags, expected] of [
    [['\n', `${issuer}\n`, ' api://default \n'], [], { audience: 'api://default' }],
    [['1\n', `${issuer}\n`, 'a  b\n'], [], { audience: 'a,b' }],
    [['Okta\n', `${issuer}\n`], ['--audience', 'c d'], { audience: 'c d' }],
    [[`${issuer}\n`, 'e\n'], ['--profile', 'okta'], { audience: 'e' }],
  ] as const) {
    const folder = t.testdir()
    const { code, stderr } = await init(folder, ['--offline', ...flags], { typed })
    t.equal(code, 0, stderr)
    t.match(parseEnv(read(folder, '.env')), {
      AUTH_ISSUER: issuer,
      AUTH_AUDIENCE: expected.audience,
    })
    t.notMatch(read(folder, '.env'), 'PROFILE', 'the domain implies the profile')
    t.match(stderr, 'Issuer (Security > API > Authorization Servers')
  }
  const asked = await init(t.testdir(), ['--offline'], { typed: ['zitadel\n', 'END'] })
  t.equal(asked.code, 2)
  t.match(asked.stderr, /^ {3}1 {2}okta\n/m)
  t.match(asked.stderr, 'Issuer ("issuer" in its metadata')
  t.match(asked.stderr, 'the input ended before a line was entered')
})

t.test('writes a test that passes for every profile', async (t) => {
  const issuers: Record<string, readonly [issuer: string, audience: string]> = {
    entra: ['https://login.microsoftonline.com/{tenantid}/v2.0', crypto.randomUUID()],
    firebase: ['https://securetoken.google.com/my-project', 'my-project'],
  }
  const tests = new Map<string, string>()
  let plugin = ''
  for (const profile of PROFILE_NAMES) {
    const folder = t.testdir()
    const [issuer, audience] = issuers[profile] ?? ['https://login.example.com', 'orders']
    const args = ['--profile', profile, '--issuer', issuer, '--audience', audience, '--offline']
    const { code, stderr } = await init(folder, args)
    t.equal(code, 0, stderr)
    tests.set(read(folder, 'test/auth.test.js'), `${profile}.test.js`)
    plugin = read(folder, 'plugins/auth.js')
  }
  t.equal(tests.size, 6, 'the profiles of the testing kit')
  const folder = t.testdir({
    'package.json': '{"type":"module"}',
    plugins: { 'auth.js': plugin },
    test: Object.fromEntries([...tests].map(([text, file]) => [file, text])),
  })
  install(folder)
  await passes(
    t,
    folder,
    [...tests.values()].map((file) => `test/${file}`),
  )
})

t.test('overwrites no file', async (t) => {
  const folder = t.testdir({ plugins: { 'auth.js': 'mine' } })
  t.match(await init(folder, [...ANSWERS, '--offline']), {
    code: 2,
    stdout: '',
    stderr:
      'init overwrites no file. Move this file, or run init in another folder: plugins/auth.js\n',
  })
  t.strictSame(readdirSync(folder), ['plugins'])
  t.equal(read(folder, 'plugins/auth.js'), 'mine')

  const both = t.testdir({ plugins: { 'auth.js': '' }, test: { 'auth.test.js': '' } })
  t.match((await init(both, [])).stderr, 'Move these files', 'before any question')

  const partial = t.testdir({ '.env': 'KEEP=1', '.gitignore': 'node_modules' })
  const { code, stdout } = await init(partial, [...ANSWERS, '--offline'])
  t.equal(code, 0)
  t.match(stdout, /add to \.env, which exists and was not changed\n\n.*\n {2}AUTH_ISSUER=https/)
  t.equal(read(partial, '.env'), 'KEEP=1')
  t.equal(read(partial, '.gitignore'), 'node_modules\n.env\n')
  const ignored = t.testdir({ '.gitignore': 'dist\n.env*\n', 'package.json': '{}' })
  t.notMatch((await init(ignored, [...ANSWERS, '--offline'])).stdout, '.gitignore')
  t.equal(read(ignored, '.gitignore'), 'dist\n.env*\n')
})

t.test('writes nothing if one of the files cannot be written', async (t) => {
  const cases: readonly [content: object, message: string][] = [
    [{ plugins: 'a file' }, 'plugins is not a folder. Rename it'],
    [{ src: 'a file' }, 'src is not a folder'],
    [{ test: 'a file' }, 'test is not a folder'],
    [{ '.gitignore': {} }, '.gitignore is not a file'],
    [
      { 'package.json': {} },
      'init overwrites no file. Move this file, or run init in another folder: pack',
    ],
  ]
  for (const [content, message] of cases) {
    const folder = t.testdir(content as Record<string, string>)
    t.match(await init(folder, [...ANSWERS, '--offline']), {
      code: 2,
      stdout: '',
      stderr: `nothing was written, because ${message}`,
    })
    t.strictSame(readdirSync(folder, { recursive: true }), Object.keys(content))
  }
})

t.test('follows no symbolic link out of the project', async (t) => {
  const links: readonly [path: string, target: string][] = [
    ['plugins', '../outside/folder'],
    ['test', '../outside/folder'],
    ['src', '../outside/folder'],
    ['plugins', '..'],
    ['plugins', '../outside/absent'],
    ['plugins', 'plugins'],
    ['.gitignore', '../outside/file'],
    ['.gitignore', '../outside/absent'],
  ]
  const absent = ['.env', 'package.json', 'plugins/auth.js', 'test/auth.test.js']
  const dir = () => ({ project: { plugins: {}, test: {} }, outside: { folder: {}, file: 'mine' } })
  for (const [path, target] of links) {
    const folder = t.testdir({ ...dir(), project: {} })
    symlinkSync(target, join(folder, 'project', path))
    t.match(await init(join(folder, 'project'), [...ANSWERS, '--offline']), {
      code: 2,
      stdout: '',
      stderr: `nothing was written, because the symbolic link ${path} leads out of the project, or to nothing. Remove the link, or run init in another folder\n`,
    })
    t.strictSame(readdirSync(join(folder, 'project')), [path])
    t.strictSame(readdirSync(join(folder, 'outside/folder')), [])
    t.equal(read(folder, 'outside/file'), 'mine')
  }
  for (const path of absent) {
    const folder = t.testdir(dir())
    symlinkSync('/nonexistent/target', join(folder, 'project', path))
    const { code, stderr } = await init(join(folder, 'project'), [...ANSWERS, '--offline'])
    t.equal(code, 2)
    t.match(
      stderr,
      `init overwrites no file. Move this file, or run init in another folder: ${path}`,
    )
    t.strictSame(
      readdirSync(join(folder, 'project'), { recursive: true }).sort(),
      [...new Set(['plugins', 'test', path])].sort(),
    )
  }
})

t.test('follows symbolic links within the project, and to it', async (t) => {
  const folder = t.testdir({ project: { lib: {}, ignored: 'dist\n' }, 'shared.env': 'KEEP=1' })
  symlinkSync('lib', join(folder, 'project/plugins'))
  symlinkSync('ignored', join(folder, 'project/.gitignore'))
  symlinkSync('../shared.env', join(folder, 'project/.env'))
  symlinkSync('project', join(folder, 'link'))
  const { code, stdout } = await init(join(folder, 'link'), [...ANSWERS, '--offline'])
  t.equal(code, 0)
  t.match(stdout, 'add to .env, which exists and was not changed')
  t.match(read(folder, 'project/lib/auth.js'), 'export default fp(')
  t.equal(read(folder, 'project/ignored'), 'dist\n.env\n')
  t.equal(read(folder, 'shared.env'), 'KEEP=1')
})

t.test('names a file that cannot be written after the checks', async (t) => {
  const folder = t.testdir()
  const authorizationServer = await createAuthorizationServer({ profile: 'keycloak' })
  t.teardown(() => authorizationServer.close())
  const { issuer } = authorizationServer
  const args = ['--profile', 'keycloak', '--issuer', issuer, '--audience', 'account']
  const onOutput = () => mkdirSync(join(folder, '.gitignore'), { recursive: true })
  t.match(await init(folder, args, { onOutput }), {
    code: 3,
    stderr: /: \.gitignore could not be written \(EISDIR\): check this path/,
  })
})

t.test('writes nothing if a check of the issuer fails, except with --offline', async (t) => {
  const folder = t.testdir()
  const gone = ['--profile', 'standard', '--issuer', 'http://127.0.0.1:1', '--audience', 'a']
  const { code, stdout, stderr } = await init(folder, gone)
  t.equal(code, 1)
  t.match(stdout, '✘ metadata')
  t.match(stderr, 'nothing was written, because a check of the issuer fails')
  t.strictSame(readdirSync(folder), [])
  t.equal((await init(folder, [...gone, '--offline'])).code, 0)
})

t.test('rejects invalid answers', async (t) => {
  const folder = t.testdir({ broken: { 'package.json': '[' } })
  for (const [args, expected] of [
    [[], '--profile, --issuer, --audience are required, because standard input is not a terminal'],
    [KEYCLOAK, '--audience is required, because standard input'],
    [['--profile', 'oktaa', ...ANSWERS.slice(2)], 'unknown provider. Did you mean okta?'],
    [['--profile', 'x', ...ANSWERS.slice(2)], '--profile must be one of okta, auth0'],
    [[...ANSWERS.slice(0, 2), '--issuer', 'x', '--audience', 'a'], '--issuer must be a URL'],
    [[...KEYCLOAK, '--audience', "it's"], 'an audience must contain no single quotation mark'],
    [[...KEYCLOAK, '--audience', 'a,b'], 'an audience must contain no comma'],
    [['--typescript', '--javascript'], 'are mutually exclusive'],
    [
      [...KEYCLOAK.slice(0, 2), '--issuer', 'http://kc:80/a', '--audience', 'a'],
      'must be an https',
    ],
  ] as const) {
    const { code, stderr } = await init(folder, args)
    t.equal(code, 2)
    t.match(stderr, expected)
  }
  t.match((await init(join(folder, 'broken'), ANSWERS)).stderr, 'package.json is not a JSON object')
  t.strictSame(readdirSync(folder), ['broken'])
  const http = ['--profile', 'keycloak', '--issuer', 'http://kc:8080/realms/a', '--audience', 'a']
  await init(folder, [...http, '--offline', '--dangerously-allow-http'])
  t.match(parseEnv(read(folder, '.env')), {
    AUTH_PROFILE: 'keycloak',
    AUTH_DANGEROUSLY_ALLOW_HTTP: 'true',
  })
})

t.test('writes the URL of a key set, for an issuer without metadata', async (t) => {
  const folder = t.testdir()
  const args = ['--profile', 'standard', '--issuer', 'acme.com', '--audience', 'a', '--offline']
  t.match((await init(folder, args)).stderr, '--issuer must be a URL')
  t.equal((await init(folder, [...args, '--jwks-uri', 'https://acme.com/keys'])).code, 0)
  t.match(parseEnv(read(folder, '.env')), { AUTH_JWKS_URI: 'https://acme.com/keys' })
})

t.test('says what a tsconfig.json of tsc --init requires of package.json', async (t) => {
  const tsconfig = '{\n  "compilerOptions": {\n    "verbatimModuleSyntax": true,\n  },\n}\n'
  const commonjs = '{ "type": "commonjs" }'
  const rows: readonly [files: Record<string, string>, isTold: boolean][] = [
    [{ 'package.json': commonjs, 'tsconfig.json': tsconfig }, true],
    [{ 'package.json': '{ "type": "module" }', 'tsconfig.json': tsconfig }, false],
    [{ 'package.json': commonjs, 'tsconfig.json': tsconfig.replace('"verb', '// "verb') }, false],
    [{ 'package.json': commonjs, 'tsconfig.json': '{}' }, false],
    [{ 'package.json': commonjs }, false],
    [{ 'package.json': commonjs, 'tsconfig.json': '{ "module": "nodenext" }' }, false],
  ]
  for (const [i, [files, isTold]] of rows.entries()) {
    const { code, stdout } = await init(t.testdir(files), [
      ...ANSWERS,
      '--offline',
      ...(i === 4 ? ['--typescript'] : []),
    ])
    t.equal(code, 0)
    t.equal(stdout.includes('npm pkg set type=module'), isTold, `${i}`)
  }
})

t.test('says which module setting of tsconfig.json rejects the imports in CommonJS', async (t) => {
  for (const [module, isTold] of [
    ['node16', true],
    ['Node18', true],
    ['node20', false],
  ] as const) {
    const tsconfig = `{ "compilerOptions": { "module": "${module}" } }`
    const folder = t.testdir({ 'package.json': '{}', 'tsconfig.json': tsconfig })
    const { stdout } = await init(folder, [...ANSWERS, '--offline'])
    const told = `set "module" to "nodenext": "${module.toLowerCase()}" rejects the imports`
    t.equal(stdout.includes(told), isTold, module)
  }
})

t.test('rejects a plugin that exists in the other language', async (t) => {
  const folder = t.testdir({ 'package.json': '{}', plugins: { 'auth.ts': '' } })
  const { code, stderr } = await init(folder, [...ANSWERS, '--offline'])
  t.equal(code, 2)
  t.match(stderr, 'Move this file, or run init in another folder: plugins/auth.ts')
})
