/**
 * Skips a build whose inputs have not changed: ten commands start with a build, and CI runs all of
 * them.
 */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'

const DIGESTS = '.build/marks'
/** Changes to these files change the output for the same sources. */
const TOOLS = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  ...['build.js', 'tsc.js', 'when-changed.js'].map((script) => `scripts/${script}`),
]

/**
 * @param inputs files and folders, compared by content and not by modification time.
 * @param setting text that changes the output as well, such as the value of a variable.
 * @param output a file that the build writes last.
 * @param build runs the build; if it rejects, the next call builds again.
 */
export async function whenChanged(name, { inputs, setting = '', output, build }) {
  const digestFile = `${DIGESTS}/${name}`
  const digest = digestOf([...TOOLS, ...inputs], setting)
  if (existsSync(output) && existsSync(digestFile) && readFileSync(digestFile, 'utf8') === digest)
    return
  console.error(`Building ${name} …`)
  await build()
  mkdirSync(DIGESTS, { recursive: true })
  writeFileSync(digestFile, digest)
}

/** Makes the next build with this name run, even if its inputs have not changed. */
export function forget(name) {
  rmSync(`${DIGESTS}/${name}`, { force: true })
}

function digestOf(paths, setting) {
  const hash = createHash('sha256').update(process.version + setting)
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
