/** Builds only what isn't built yet: ten commands begin with a build, and CI runs all of them. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'

const MARKS = '.build/marks'
/** They change what comes of the same sources. */
const TOOLS = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  ...['build.js', 'tsc.js', 'when-changed.js'].map((script) => `scripts/${script}`),
]

/**
 * @param inputs files and folders; what stands in them is compared, and not when it was written.
 * @param output a file that the build writes last.
 * @param build does it; a rejection leaves it unbuilt.
 */
export async function whenChanged(name, { inputs, output, build }) {
  const mark = `${MARKS}/${name}`
  const digest = digestOf([...TOOLS, ...inputs])
  if (existsSync(output) && existsSync(mark) && readFileSync(mark, 'utf8') === digest) return
  console.error(`Building ${name} …`)
  await build()
  mkdirSync(MARKS, { recursive: true })
  writeFileSync(mark, digest)
}

function digestOf(paths) {
  const hash = createHash('sha256').update(process.version)
  for (const file of paths.flatMap(filesIn)) hash.update(`\0${file}\0`).update(readFileSync(file))
  return hash.digest('hex')
}

function filesIn(path) {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true })
    .map((file) => `${path}/${file}`)
    .filter((file) => statSync(file).isFile())
    .sort()
}
