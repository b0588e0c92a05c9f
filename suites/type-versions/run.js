/**
 * Compiles user code with each TypeScript from 5.9 on, in each module resolution mode, and a
 * `fetch` of each undici with each @types/node. Requires dist, and fetches from the registry:
 * `npm run suite -- type-versions`.
 */
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
// TypeScript resolves a package's name within its own folder by "exports" alone. node_modules of this
// project contains a link to the package instead, so that node10 resolves it by "typesVersions".
const project = join(root, '.build', 'type-versions')
const installed = join(project, 'node_modules')

const strict = { target: 'es2022', strict: true, skipLibCheck: true, noEmit: true }
const lib = ['es2022', 'esnext.disposable']

/** TypeScript 7 removed the resolution mode node10. */
const RESOLUTIONS = [
  {
    name: 'node10',
    file: 'consumer.cts',
    module: 'commonjs',
    moduleResolution: 'node10',
    until: 6,
  },
  {
    name: 'node16, CommonJS',
    file: 'consumer-import.cts',
    module: 'node16',
    moduleResolution: 'node16',
  },
  { name: 'node16, ES module', file: 'consumer.mts', module: 'node16', moduleResolution: 'node16' },
  { name: 'nodenext', file: 'consumer.mts', module: 'nodenext', moduleResolution: 'nodenext' },
  { name: 'bundler', file: 'consumer.mts', module: 'preserve', moduleResolution: 'bundler' },
]

await prepare()
const programs = [5, 6, 7].flatMap((typescript) =>
  RESOLUTIONS.filter(({ until = 7 }) => typescript <= until).map(
    ({ name, file, module, moduleResolution }) => ({
      name: `TypeScript ${typescript}, ${name}`,
      typescript,
      file,
      options: {
        ...strict,
        lib,
        types: ['node'],
        module,
        moduleResolution,
        ...(moduleResolution === 'node10' && typescript === 6 && { ignoreDeprecations: '6.0' }),
      },
    }),
  ),
)
const proxies = [20, 22, 24, 25].map((node) => ({
  name: `undici 6, 7 and 8, @types/node ${node}`,
  typescript: 6,
  file: 'proxy.mts',
  options: {
    ...strict,
    lib,
    module: 'nodenext',
    moduleResolution: 'nodenext',
    types: ['node'],
    typeRoots: [typesOfNode(node)],
  },
}))
for (const program of [...programs, ...proxies]) await compile(program)

async function prepare() {
  mkdirSync(project, { recursive: true })
  copyFileSync(join(root, 'suites/type-versions/package.json'), join(project, 'package.json'))
  await run('npm', ['install', '--no-save', '--no-package-lock', '--silent'], { cwd: project })
  const self = join(installed, 'fastify-resource-server')
  rmSync(self, { force: true })
  symlinkSync(root, self)
  copyFileSync(join(root, 'suites/types/consumer.ts'), join(project, 'consumer.mts'))
  copyFileSync(join(root, 'suites/types/consumer.cts'), join(project, 'consumer.cts'))
  copyFileSync(
    join(root, 'suites/type-versions/consumer-import.cts'),
    join(project, 'consumer-import.cts'),
  )
  copyFileSync(join(root, 'suites/type-versions/proxy.ts'), join(project, 'proxy.mts'))
}

/** Creates a `typeRoots` folder that contains only this version of @types/node. */
function typesOfNode(version) {
  const folder = join(project, `types-of-node-${version}`)
  mkdirSync(folder, { recursive: true })
  rmSync(join(folder, 'node'), { force: true })
  symlinkSync(join(installed, `types-node-${version}`), join(folder, 'node'))
  return folder
}

async function compile({ name, typescript, file, options }) {
  const config = join(project, 'tsconfig.json')
  writeFileSync(config, JSON.stringify({ compilerOptions: options, files: [file] }))
  const tsc = join(installed, `typescript-${typescript}`, 'bin', 'tsc')
  try {
    await run(process.execPath, [tsc, '-p', config], { cwd: project })
    console.log(`ok ${name}: ${file} compiles`)
  } catch ({ stdout = '', stderr = '' }) {
    console.error(`not ok ${name}: ${file} compiles\n${stdout}${stderr}`)
    process.exitCode = 1
  }
}
