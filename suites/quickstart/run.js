/**
 * Follows README.md as a new user would: `npm init` in an empty folder, the lines of "Start" in
 * their order, and a protected route that responds as the README says. Prints the duration of each
 * step, and fails if a response differs. `npm run suite -- quickstart`; it fetches dependencies from
 * the registry.
 *
 * Substitutions in these lines: the package's name at `npm install` becomes the packed tarball, the
 * issuer is replaced as the README suggests, and the ports 3000 and 9000 become free ones.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cleanEnvironment, pack, root } from '../../scripts/packed-package.js'
import { freePorts, serving } from './processes.js'
import { callsOf, startOf } from './readme.js'

const execute = promisify(execFile)
const temporary = await mkdtemp(join(tmpdir(), 'fastify-resource-server-'))
const project = join(temporary, 'orders-api')
const surroundings = { cwd: project, env: cleanEnvironment() }
const [apiPort, issuerPort] = await freePorts(2)
const servers = []
let total = 0

try {
  const lines = await startOf(join(root, 'README.md'))
  const { tarball } = await step('npm pack', () => pack(temporary), { counts: false })
  await mkdir(project)
  await step('npm init -y', () => shell('npm init -y'))
  await step(lines.install, () => install(lines.install, tarball))
  await step(lines.serve, () => serve(lines.serve, issuerPort))
  await writeFile(join(project, 'app.mjs'), onOurPorts(withIssuer(lines.program)))
  await step(lines.run, () => serve(lines.run, apiPort))

  const { token, calls } = callsOf(onOurPorts(lines.use))
  const TOKEN = await step('TOKEN=…', () => shell(`${token}\nprintf %s "$TOKEN"`))
  for (const { command, status, body } of calls) {
    await step(`${command}: ${status} ${body}`, () => call(command, TOKEN, status, body))
  }
  console.log(`ok: from an empty folder to these answers in ${seconds(total)}, packing aside`)
} catch (error) {
  console.error([`not ok: ${error.message}`, error.stdout, error.stderr].join('\n'))
  process.exitCode = 1
} finally {
  for (const { stop } of servers) await stop()
  await rm(temporary, { recursive: true, force: true })
}

async function step(name, work, { counts = true } = {}) {
  const started = performance.now()
  try {
    return await work()
  } finally {
    const duration = performance.now() - started
    if (counts) total += duration
    console.log(`${seconds(duration).padStart(8)}  ${name}`)
  }
}

/**
 * Fails on a warning about this package, which would be the first thing that a new user sees;
 * warnings about other packages are only printed.
 */
async function install(line, tarball) {
  const command = line.replace(/fastify-resource-server$/, tarball)
  if (command === line) throw new Error(`"${line}" doesn't install the package`)
  const { stderr } = await execute('sh', ['-c', command], surroundings)
  const { name, dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const ours = [name, ...Object.keys(dependencies)]
  // Ignores npm's warnings about its settings on this machine.
  const warnings = stderr.match(/^npm warn (?!Unknown \w+ config).*/gim) ?? []
  for (const warning of warnings) console.log(`          ${warning}`)
  const about = warnings.filter((warning) => ours.some((one) => warning.includes(`'${one}@`)))
  if (about.length > 0) throw new Error('a warning of npm is about this package')
}

async function serve(line, port) {
  servers.push(await serving(onOurPorts(line), port, surroundings))
}

async function call(command, TOKEN, status, body) {
  const env = { ...surroundings.env, TOKEN }
  const { stdout } = await execute('sh', ['-c', command], { ...surroundings, env })
  const [head, ...rest] = stdout.split('\r\n\r\n')
  const answer = rest.join('')
  const isRight =
    head.startsWith(`HTTP/1.1 ${status} `) &&
    (body === '' || answer === body) &&
    (status !== 401 || /^www-authenticate: Bearer/im.test(head))
  if (!isRight) throw new Error(`${command}\nwas answered with\n${stdout}`)
}

async function shell(command) {
  const { stdout } = await execute('sh', ['-c', command], surroundings)
  return stdout
}

/** Uses the embedded authorization server, as the README suggests without a tenant. */
function withIssuer(program) {
  const changed = program.replace(
    /issuer: '[^']+'/,
    "issuer: 'http://127.0.0.1:9000/oauth2/default'",
  )
  if (changed === program) throw new Error('the program names no issuer')
  return changed
}

function onOurPorts(text) {
  return text.replaceAll(/\b3000\b/g, apiPort).replaceAll(/\b9000\b/g, issuerPort)
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
