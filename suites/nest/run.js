/**
 * Compiles and runs the program of docs/nestjs.md with NestJS 11 and 12, and calls it over HTTP. Packs
 * dist, and fetches NestJS from the registry: `npm run suite -- nest`.
 */
import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cleanEnvironment, npm, root } from '../../scripts/packed-package.js'

const run = promisify(execFile)
const folder = join(root, '.build', 'nest')
const QUIET = ['--no-save', '--no-package-lock', '--silent', '--prefer-offline', '--ignore-scripts']
const COMPILER_OPTIONS = {
  target: 'es2023',
  module: 'nodenext',
  strict: true,
  skipLibCheck: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
  rootDir: '.',
}

await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
const programs = await programsOf(join(root, 'docs', 'nestjs.md'))
const packed = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
const [{ filename }] = JSON.parse(await npm(packed, root))
const failed = await Promise.all(['11', '12'].map(fails))
process.exitCode = failed.some(Boolean) ? 1 : 0

/** Whether any step with this version failed. */
async function fails(version) {
  const project = join(folder, version)
  try {
    await cp(join(root, 'suites', 'nest', version), project, { recursive: true })
    // Separate installs: in one install, npm adds a second Fastify beside the one that Nest pins.
    await npm(['install', ...QUIET], project)
    await npm(['install', ...QUIET, join(folder, filename)], project)
    for (const [name, code] of Object.entries(programs)) {
      await writeFile(join(project, name), code)
    }
    const tsconfig = { compilerOptions: COMPILER_OPTIONS, files: Object.keys(programs) }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify(tsconfig))
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    await run(process.execPath, [tsc, '-p', project])
    console.log(`ok NestJS ${await versionOf(project)}: the program of docs/nestjs.md compiles`)
    await cp(join(root, 'suites', 'nest', 'requests.mjs'), join(project, 'requests.mjs'))
    return (await exitCodeOf('requests.mjs', project, version)) !== 0
  } catch (error) {
    console.error(`not ok NestJS ${version}: ${[error.message, error.stdout].join('\n')}`)
    return true
  }
}

/** Returns the two TypeScript blocks of the guide, keyed by the file name before each. */
async function programsOf(page) {
  const text = await readFile(page, 'utf8')
  const blocks = text.matchAll(/`([\w.]+\.ts)`:\n\n<!-- code: peer -->\n```ts\n(.*?)\n```$/gms)
  const found = Object.fromEntries([...blocks].map(([, name, code]) => [name, code]))
  if (Object.keys(found).join() !== 'app.ts,main.ts')
    throw new Error('docs/nestjs.md must contain the programs app.ts and main.ts, in this order')
  return found
}

async function versionOf(project) {
  const path = join(project, 'node_modules', '@nestjs', 'core', 'package.json')
  return JSON.parse(await readFile(path, 'utf8')).version
}

function exitCodeOf(script, cwd, version) {
  const child = spawn(process.execPath, [script], {
    cwd,
    env: { ...cleanEnvironment(), NEST: version },
    stdio: 'inherit',
    timeout: 120_000,
  })
  return new Promise((resolve) => child.on('close', (code) => resolve(code)))
}
