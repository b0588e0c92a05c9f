/**
 * Runs the recipes of docs/recipes: writes the programs that the pages show into one project per
 * recipe, compiles those in TypeScript, and runs their `npm test`: `npm run suite -- recipes`. Also runs
 * `npm start` of each recipe that has a `.env`. Runs the recipes of other runtimes only if their names
 * are arguments, because each installs about 100 MB.
 *
 * A block that follows a line such as "`routes/root.js`:" is a file of the recipe that the page is
 * named after, or that the nearest comment `<!-- recipe: NAME -->` above names.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { cleanEnvironment, npm, root } from '../../scripts/packed-package.js'

const run = promisify(execFile)
const suite = join(root, 'suites', 'recipes')
const folder = join(suite, '.build')
const only = process.argv.slice(2)

/** The versions of the runtimes, by the name of the recipe and of the package at npm. */
const RUNTIMES = { bun: '1.4.5', deno: '2.9.6' }

const COMPILER_OPTIONS = {
  target: 'es2023',
  module: 'nodenext',
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  types: ['node'],
  typeRoots: [join(root, 'node_modules', '@types')],
}

await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
const recipes = await recipesOf(join(root, 'docs', 'recipes'))
await Promise.all([...recipes].map(([name, files]) => writeFiles(join(folder, name), files)))
await installPackage()

const names = [...recipes.keys()].filter((name) =>
  only.length === 0 ? !Object.hasOwn(RUNTIMES, name) : only.includes(name),
)
for (const name of Object.keys(RUNTIMES)) {
  if (!names.includes(name)) console.log(`left out ${name}: npm run suite -- recipes ${name}`)
}
const results = [await report('TypeScript compiles', compile)]
const waiting = [...names]
await Promise.all(Array.from({ length: availableParallelism() }, runNext))
process.exitCode = results.every(Boolean) && names.length > 0 ? 0 : 1

async function runNext() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    results.push(await report(name, () => runRecipe(name)))
  }
}

async function report(title, work) {
  const begun = Date.now()
  try {
    await work()
    console.log(`ok ${title} (${((Date.now() - begun) / 1000).toFixed(1)} s)`)
    return true
  } catch (error) {
    console.error(`not ok ${title}\n${[error.message, error.stdout, error.stderr].join('\n')}`)
    return false
  }
}

/** Returns the files of each recipe, by path. */
async function recipesOf(docs) {
  const recipes = new Map()
  for (const page of await readdir(docs)) {
    const text = await readFile(join(docs, page), 'utf8')
    let name = page.replace(/\.md$/, '')
    const part =
      /<!-- recipe: (?<recipe>[\w-]+) -->|`(?<path>[\w./-]+)`:\n\n(?:<!-- code: \w+ -->\n)?```\w+\n(?<code>.*?\n)```$/gms
    for (const { groups } of text.matchAll(part)) {
      if (groups.recipe !== undefined) name = groups.recipe
      else recipes.set(name, { ...recipes.get(name), [groups.path]: groups.code })
    }
  }
  return recipes
}

async function writeFiles(project, files) {
  if (files['package.json'] === undefined) throw new Error(`${project} has no package.json`)
  for (const [path, code] of Object.entries(files)) {
    await mkdir(dirname(join(project, path)), { recursive: true })
    await writeFile(join(project, path), code)
  }
}

/** Installs the package as users do, beside the dependencies of the recipes. */
async function installPackage() {
  const packed = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const [{ filename }] = JSON.parse(await npm(packed, root))
  const flags = ['--no-save', '--silent', '--prefer-offline', '--ignore-scripts']
  await npm(['install', ...flags, join(folder, filename)], suite)
}

async function compile() {
  const files = [...recipes].flatMap(([name, files]) =>
    Object.keys(files)
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `${name}/${path}`),
  )
  const tsconfig = JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files })
  await writeFile(join(folder, 'tsconfig.json'), tsconfig)
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  await run(process.execPath, [tsc, '-p', folder])
}

async function runRecipe(name) {
  const cwd = join(folder, name)
  const env = { ...cleanEnvironment(), ...(await runtimePath(name)), NO_COLOR: '1' }
  await runTests(cwd, env)
  if (recipes.get(name)['.env'] !== undefined) await runStart(cwd, env)
}

/** @throws if a test fails, or if none passes: the runner may have found no test. */
async function runTests(cwd, env) {
  const { stdout, stderr } = await run('npm', ['test'], {
    cwd,
    env,
    timeout: 120_000,
    shell: process.platform === 'win32',
  })
  const summary =
    /^(?:#|ℹ) pass [1-9]|^ *Tests:? .*\b[1-9]\d* passed|^ *[1-9]\d* pass$|^ok \| [1-9]\d* passed/m
  if (summary.test(stdout + stderr)) return
  throw Object.assign(new Error('No test passed'), { stdout, stderr })
}

/**
 * Runs `npm start`, which reads `.env`, until the app responds.
 *
 * @throws if the app does not start, or accepts a request without a token.
 */
async function runStart(cwd, env) {
  const port = await freePort()
  const detached = process.platform !== 'win32'
  const options = { cwd, env: { ...env, PORT: `${port}` }, detached, shell: !detached }
  const child = spawn('npm', ['start'], options)
  const output = []
  child.stdout.on('data', (part) => output.push(part))
  child.stderr.on('data', (part) => output.push(part))
  const ended = once(child, 'exit')
  try {
    const { status } = await Promise.race([
      firstResponse(`http://127.0.0.1:${port}/`),
      ended.then(([code]) => ({ status: `exit code ${code}` })),
    ])
    if (status !== 401) throw new Error(`npm start: ${status} without a token\n${output.join('')}`)
  } finally {
    // npm does not forward the signal to the app, so the signal goes to the process group.
    if (child.exitCode === null) process.kill(detached ? -child.pid : child.pid)
    await ended
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** @throws if nothing listens for 20 seconds. */
async function firstResponse(url) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const response = await fetch(url).catch(() => undefined)
    if (response !== undefined) return response
    await sleep(200)
  }
  throw new Error(`${url} does not respond`)
}

/** Installs the runtime of the recipe, if it is not Node; returns the `PATH` with it. */
async function runtimePath(name) {
  if (!Object.hasOwn(RUNTIMES, name)) return {}
  const prefix = join(folder, `runtime-${name}`)
  await npm(['install', '--silent', '--prefix', prefix, `${name}@${RUNTIMES[name]}`], suite)
  return { PATH: join(prefix, 'node_modules', '.bin') + delimiter + process.env.PATH }
}
