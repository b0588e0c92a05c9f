/**
 * Runs the commands of "Install" and "Quick start" in README.md in an empty folder, as a new user
 * would, and compares the responses with the README. Prints the duration of each step, and fails if
 * a response differs. `npm run suite -- quickstart` fetches dependencies from the registry.
 *
 * Substitutions in the commands: the package's name at `npm install` becomes the packed tarball, the
 * issuer is replaced as the README suggests, and the ports 3000 and 9000 become free ones.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cleanEnvironment, pack, root } from '../../scripts/packed-package.js'
import { freePorts, startServer } from './processes.js'
import { callsOf, readQuickStart } from './readme.js'

const execute = promisify(execFile)
const temporary = await mkdtemp(join(tmpdir(), 'fastify-resource-server-'))
const project = join(temporary, 'orders-api')
const processOptions = { cwd: project, env: cleanEnvironment() }
const [apiPort, issuerPort] = await freePorts(2)
const servers = []
let total = 0

try {
  const lines = await readQuickStart(join(root, 'README.md'))
  const { tarball } = await step('npm pack', () => pack(temporary), { countsToTotal: false })
  await mkdir(project)
  await step('npm init -y', () => shell('npm init -y'))
  await step(lines.install, () => install(lines.install, tarball))
  await step(lines.serve, () => serve(lines.serve, issuerPort))
  await writeFile(join(project, 'app.mjs'), withFreePorts(withIssuer(lines.program)))
  await step(lines.run, () => serve(lines.run, apiPort))

  const { token, calls } = callsOf(withFreePorts(lines.request))
  const TOKEN = await step('TOKEN=…', () => shell(`${token}\nprintf %s "$TOKEN"`))
  for (const { command, status, body } of calls) {
    await step(`${command}: ${status} ${body}`, () => call(command, TOKEN, status, body))
  }
  console.log(`ok: from an empty folder to these responses in ${seconds(total)}, without packing`)
} catch (error) {
  console.error([`not ok: ${error.message}`, error.stdout, error.stderr].join('\n'))
  process.exitCode = 1
} finally {
  for (const { stop } of servers) await stop()
  await rm(temporary, { recursive: true, force: true })
}

async function step(name, work, { countsToTotal = true } = {}) {
  const started = performance.now()
  try {
    return await work()
  } finally {
    const duration = performance.now() - started
    if (countsToTotal) total += duration
    console.log(`${seconds(duration).padStart(8)}  ${name}`)
  }
}

/**
 * Fails on npm's warnings about this package and its dependencies, because new users would see them;
 * only prints warnings about other packages.
 */
async function install(line, tarball) {
  const command = line.replace(/fastify-resource-server$/, tarball)
  if (command === line) throw new Error(`"${line}" does not end with the name of the package`)
  const { stderr } = await execute('sh', ['-c', command], processOptions)
  const { name: packageName, dependencies } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  )
  const ownNames = [packageName, ...Object.keys(dependencies)]
  // Ignores npm's warnings about its settings on this machine.
  const warnings = stderr.match(/^npm warn (?!Unknown \w+ config).*/gim) ?? []
  for (const warning of warnings) console.log(`          ${warning}`)
  const ownWarnings = warnings.filter((warning) =>
    ownNames.some((name) => warning.includes(`'${name}@`)),
  )
  if (ownWarnings.length > 0) throw new Error('npm warns about this package or a dependency of it')
}

async function serve(line, port) {
  servers.push(await startServer(withFreePorts(line), port, processOptions))
}

async function call(command, TOKEN, status, body) {
  const env = { ...processOptions.env, TOKEN }
  const { stdout } = await execute('sh', ['-c', command], { ...processOptions, env })
  const [head, ...rest] = stdout.split('\r\n\r\n')
  const responseBody = rest.join('')
  const isExpected =
    head.startsWith(`HTTP/1.1 ${status} `) &&
    (body === '' || responseBody === body) &&
    (status !== 401 || /^www-authenticate: Bearer/im.test(head))
  if (!isExpected) throw new Error(`${command}\ngot an unexpected response:\n${stdout}`)
}

async function shell(command) {
  const { stdout } = await execute('sh', ['-c', command], processOptions)
  return stdout
}

/** Uses the embedded authorization server, as the README suggests without a tenant. */
function withIssuer(program) {
  const changed = program.replace(
    /issuer: '[^']+'/,
    "issuer: 'http://127.0.0.1:9000/oauth2/default'",
  )
  if (changed === program) throw new Error('the program in README.md sets no issuer')
  return changed
}

function withFreePorts(text) {
  return text.replaceAll(/\b3000\b/g, apiPort).replaceAll(/\b9000\b/g, issuerPort)
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
