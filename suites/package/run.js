/**
 * Packs the package as it would be published, checks the tarball's content and metadata (publint,
 * are-the-types-wrong), installs the package into an empty project, and uses the package there by
 * `import`, by `require` and on the command line (the files in this folder). Builds dist, and
 * fetches dependencies from the registry.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cleanEnvironment, npm, pack, root } from '../../scripts/packed-package.js'
import { contentProblems } from '../../scripts/release/checks.js'

const execute = promisify(execFile)
const MINUTE = 60_000

const temporary = await mkdtemp(join(tmpdir(), 'fastify-resource-server-'))
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
let tarball
try {
  await step('npm pack', async () => {
    const { files, size, unpackedSize, ...packed } = await pack(temporary)
    tarball = packed.tarball
    const problems = contentProblems(
      manifest,
      files.map(({ path }) => path),
    )
    if (problems.length > 0) throw new Error(problems.join('\n'))
    return `${files.length} files, ${kilobytes(size)} (${kilobytes(unpackedSize)} unpacked)`
  })
  await step('publint', () => tool('publint', [tarball, '--strict']))
  await step('are-the-types-wrong', () => tool('attw', [tarball, '--profile', 'esm-only']))
  await step('npm install into an empty project', install)
  await step('ES module', () => consume('consumer.mjs'))
  await step('CommonJS', () => consume('consumer.cjs'))
  await step('command line', async () => {
    const project = join(temporary, 'project')
    const output = await npm(
      ['exec', '--no', 'fastify-resource-server', '--', '--version'],
      project,
    )
    if (output.trim() !== manifest.version)
      throw new Error(`--version prints ${output.trim()} instead of ${manifest.version}`)
    return consume('command-line.mjs')
  })
  console.log('ok: the package can be published')
} catch {
  process.exitCode = 1
} finally {
  await rm(temporary, { recursive: true, force: true })
}

/**
 * Runs a step and prints its result. Rethrows the error of the step, because later steps require
 * earlier steps.
 */
async function step(name, work) {
  try {
    const output = await work()
    console.log(`ok ${name}${output ? `: ${output}` : ''}`)
  } catch (error) {
    console.error(`not ok ${name}: ${[error.message, error.stdout, error.stderr].join('\n')}`)
    throw error
  }
}

/** Installs the package and its peer dependency into a project outside of this repository. */
async function install() {
  const project = join(temporary, 'project')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{ "name": "project", "private": true }')
  const fastify = `fastify@${manifest.peerDependencies.fastify}`
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
  await npm(['install', ...quiet, tarball, fastify], project)
  await cp(join(root, 'suites', 'package'), project, { recursive: true })
}

/** Requires exit code 0 and empty stderr: warnings count as failures. */
async function consume(script) {
  const cwd = join(temporary, 'project')
  const options = { cwd, env: cleanEnvironment(), timeout: 3 * MINUTE }
  const { stdout, stderr } = await execute(process.execPath, [script], options)
  if (stderr !== '') throw Object.assign(new Error(`${script} wrote to stderr`), { stderr })
  return stdout.trim().split('\n').join(', ')
}

async function tool(name, args) {
  const path = join(root, 'node_modules', '.bin', name)
  await execute(path, args, { cwd: root, timeout: MINUTE })
}

function kilobytes(bytes) {
  return `${Math.ceil(bytes / 1024)} kB`
}
