/** Installs a version of Node from npm's `node` package. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.js'

/** Installs Node into the folder; returns the path of the executable. */
export async function installNode(folder, version) {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  await run('npm', ['install', `node@${version}`], { cwd: folder })
  const node = join(folder, 'node_modules', 'node', 'bin', 'node')
  const { output } = await run(node, ['--version'], { cwd: folder })
  if (!output.startsWith(`v${version}`)) throw new Error(`node@${version} is ${output.trim()}`)
  return node
}
