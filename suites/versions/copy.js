/** Copies this repository including uncommitted files, installs its dependencies, and builds it. */
import { cp, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './command.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Returns the folder. */
export async function copyRepository(folder) {
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const { output } = await run('git', listed, { cwd: root })
  for (const path of output.split('\0').filter(Boolean)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await cp(join(root, path), join(folder, path))
  }
  await run('npm', ['ci'], { cwd: folder })
  await run('npm', ['run', 'build:examples'], { cwd: folder })
  return folder
}
