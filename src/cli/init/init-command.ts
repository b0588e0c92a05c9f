/**
 * Implements the command `init`, which adds the plugin to the project in the current folder. No
 * existing file is overwritten.
 */
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PROFILE_NAMES } from '../../issuer/providers/providers.js'
import type { Arguments } from '../arguments.js'
import { type Colors, colorsFor } from '../colors.js'
import type { Command, Flags } from '../command.js'
import { resolveConnection } from '../doctor/doctor-command.js'
import { hasFailed, renderHealthChecks } from '../doctor/health-check.js'
import { checkIssuer } from '../doctor/issuer-health.js'
import { CommandError, ExitCode, UsageError } from '../exit-code.js'
import { withFlagNames } from '../flag-errors.js'
import { inLines } from '../help.js'
import { writeResult } from '../output.js'
import { widthOf } from '../wrap.js'
import { readAnswers } from './answers.js'
import { type Generated, type GeneratedFile, generate } from './generated-files.js'
import { exists, type Project, type RejectingSetting, readProject } from './project.js'
import { requireWritable } from './targets.js'

/** Timeout of each exchange with the issuer, in milliseconds, as in "jwks.timeout". */
const TIMEOUT_MS = 5_000

const flags: Flags = {
  profile: {
    value: 'NAME',
    help: `The provider that issues the access tokens; standard for any other. One of\n${inLines(PROFILE_NAMES)}`,
  },
  issuer: { value: 'ISSUER', help: 'The issuer that the API trusts' },
  audience: { value: 'AUDIENCE', repeatable: true, help: 'An audience of the API; repeatable' },
  'jwks-uri': {
    value: 'URL',
    help: 'URL of the key set. Default: from the metadata of the issuer',
  },
  typescript: { help: 'Write TypeScript. Default: if there is a tsconfig.json' },
  javascript: { help: 'Write JavaScript. Default: if there is no tsconfig.json' },
  offline: { help: 'Do not check the metadata and the keys of the issuer' },
  'dangerously-allow-http': { help: 'Fetch metadata and keys over http, not only from loopback' },
}

export const init: Command = {
  name: 'init',
  summary: 'Adds the plugin to the project in this folder, with a test that passes.',
  usage: '[--profile NAME --issuer ISSUER --audience AUDIENCE] [FLAGS]',
  flags,
  maxOperands: 0,
  notes: `Asks at the terminal for each of --profile, --issuer and --audience that is missing, and checks the
metadata and the keys of the issuer. Then it writes plugins/auth (src/plugins/auth if there is a folder
src), wrapped in fastify-plugin, test/auth.test, .env without a secret, a line in .gitignore, and a
package.json if there is none. It overwrites no file: if the plugin or the test exists, it writes nothing.
It writes nothing either if a symbolic link leads one of these paths out of the folder.
"type" in package.json decides between ECMAScript modules and CommonJS.`,
  examples: [
    'npx fastify-resource-server init',
    'npx fastify-resource-server init --profile okta \\\n  --issuer https://example.okta.com/oauth2/default --audience api://default',
  ],
  async run(args, context) {
    const { stdout, env, cwd } = context
    const project = await readProject(cwd, readLanguage(args))
    await requireWritable(project)
    const answers = await readAnswers(args, context)
    const issuer = await withFlagNames(flags, async () =>
      resolveConnection({
        ...answers,
        jwksUri: args.value('jwks-uri'),
        ...(args.has('dangerously-allow-http') && { dangerouslyAllowHttp: true }),
      }),
    )
    const generated = generate(project, { ...answers, jwksUri: args.value('jwks-uri') }, issuer)
    const colors = colorsFor(stdout, env)
    if (!args.has('offline')) {
      const checks = await checkIssuer({ issuer, timeout: TIMEOUT_MS, now: Date.now })
      await writeResult(stdout, `\n${renderHealthChecks(checks, colors, widthOf(stdout))}`)
      if (hasFailed(checks)) {
        throw new CommandError(
          ExitCode.rejected,
          'nothing was written, because a check of the issuer fails: fix it, or add --offline to write the files without the check',
        )
      }
    }
    await writeResult(stdout, await writeAll(project, generated, colors))
    return ExitCode.success
  },
}

function readLanguage(args: Arguments): 'typescript' | 'javascript' | undefined {
  const [typescript, javascript] = [args.has('typescript'), args.has('javascript')]
  if (typescript && javascript) {
    throw new UsageError('--typescript and --javascript are mutually exclusive: choose one')
  }
  if (typescript) return 'typescript'
  return javascript ? 'javascript' : undefined
}

/** Writes the files, and returns what was done and what to do next. */
async function writeAll(
  project: Project,
  { plugin, test, env, manifest }: Generated,
  { bold }: Colors,
): Promise<string> {
  const files = [plugin, test, ...(manifest === undefined ? [] : [manifest])]
  for (const file of files) await write(project, file)
  const hasEnv = await exists(join(project.folder, env.path))
  if (!hasEnv) await write(project, env)
  const isIgnored = await ignoreEnv(project)
  const written = [
    ...[...files, ...(hasEnv ? [] : [env])].map(({ path, purpose }) => [path, purpose] as const),
    ...(isIgnored ? [] : [['.gitignore', 'a line for .env'] as const]),
  ]
  const width = Math.max(...written.map(([path]) => path.length))
  return [
    '',
    bold('written'),
    '',
    ...written.map(([path, purpose]) => `  ${path.padEnd(width)}  ${purpose}`),
    ...(hasEnv
      ? ['', bold('add to .env, which exists and was not changed'), '', indented(env.text)]
      : []),
    '',
    bold('next'),
    '',
    ...nextSteps(project, plugin, test),
    '',
  ].join('\n')
}

function nextSteps(
  { isTypeScript, isModule, rejectsImports }: Project,
  plugin: GeneratedFile,
  test: GeneratedFile,
): readonly string[] {
  const from = `./${plugin.path.replace(/^src\//, '').replace(/\.ts$/, '.js')}`
  const importLine =
    isTypeScript || isModule ? `import auth from '${from}'` : `const auth = require('${from}')`
  return [
    '  npm install fastify fastify-plugin fastify-resource-server',
    ...(isTypeScript ? ['  npm install --save-dev tsx typescript @types/node'] : []),
    ...settingSteps(rejectsImports),
    `  ${isTypeScript ? 'npx tsx' : 'node'} --test ${test.path}`,
    '',
    '  In the app, before the routes (@fastify/autoload does it by itself):',
    '',
    `    ${importLine}`,
    ...(isModule ? ['    await app.register(auth)'] : IN_COMMONJS),
    '',
    '  Start the app with the variables (fastify-cli reads .env by itself):',
    '',
    `    ${isTypeScript ? 'npx tsx' : 'node'} --env-file=.env ${plugin.path.startsWith('src/') ? 'src/' : ''}app.${isTypeScript ? 'ts' : 'js'}`,
  ]
}

/** Without `await`, the plugin is loaded after routes that the app itself declares. */
const IN_COMMONJS = [
  '    app.register(auth)',
  '    app.register(async (app) => {',
  "      app.get('/me', async (request) => ({ user: request.claims.sub }))",
  '    })',
]

function settingSteps(setting: RejectingSetting | undefined): readonly string[] {
  if (setting === undefined) return []
  return setting === 'verbatimModuleSyntax'
    ? ['  npm pkg set type=module  # "verbatimModuleSyntax" in tsconfig.json requires it']
    : [`  In tsconfig.json, set "module" to "nodenext": "${setting}" rejects the imports (TS1479)`]
}

/** @throws {CommandError} if the file exists by now, or cannot be written. */
function write({ folder }: Project, { path, text }: GeneratedFile): Promise<void> {
  const file = join(folder, path)
  return reportFailure(path, async () => {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text, { flag: 'wx' })
  })
}

/**
 * Adds `.env` to .gitignore. Returns whether it was there already.
 *
 * @throws {CommandError} if the file cannot be written.
 */
async function ignoreEnv({ folder }: Project): Promise<boolean> {
  const file = join(folder, '.gitignore')
  const text = await readFile(file, 'utf8').catch(() => '')
  if (/^\/?\.env\*?[ \t]*\r?$/m.test(text)) return true
  const line = `${text === '' || text.endsWith('\n') ? '' : '\n'}.env\n`
  await reportFailure('.gitignore', () => appendFile(file, line))
  return false
}

async function reportFailure(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CommandError(
      ExitCode.unavailable,
      `${path} could not be written (${code}): check this path and the permissions of the folder, delete the files that init wrote before, and run it again`,
    )
  }
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, '  ')
}
