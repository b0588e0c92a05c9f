/**
 * Checks, before the first question, that `init` can write its files: it overwrites none, and
 * follows no symbolic link out of the project, which a hostile repository may contain. After a
 * failed check, nothing was written.
 */
import { lstat, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative } from 'node:path'
import { UsageError } from '../exit-code.js'
import { protectedPaths } from './generated-files.js'
import { exists, type Project } from './project.js'

/** @throws {UsageError} that names the path to change. */
export async function requireWritable(project: Project): Promise<void> {
  const { folder, hasPackageJson } = project
  const created = [
    ...protectedPaths(project),
    ...(hasPackageJson ? [] : ['package.json']),
    ...((await exists(join(folder, '.env'))) ? [] : ['.env']),
  ]
  await requireAbsent(folder, created)
  const root = await realpath(folder)
  for (const path of [...created, '.gitignore']) await requireWithin(root, path)
}

/** @throws {UsageError} that names the files that exist; a symbolic link to nothing is one. */
async function requireAbsent(folder: string, paths: readonly string[]): Promise<void> {
  const present = await Promise.all(paths.map((path) => isPresent(join(folder, path))))
  const existing = paths.filter((_, index) => present[index])
  if (existing.length === 0) return
  throw new UsageError(
    `nothing was written, because init overwrites no file. Move ${existing.length === 1 ? 'this file' : 'these files'}, or run init in another folder: ${existing.join(', ')}`,
  )
}

/**
 * @param root the project, without symbolic links.
 * @throws {UsageError} if a folder in the path, or the file, is not within the project.
 */
async function requireWithin(root: string, path: string): Promise<void> {
  const names = path.split('/')
  for (const index of names.keys()) {
    const at = names.slice(0, index + 1).join('/')
    if (!(await isPresent(join(root, at)))) return
    const target = await realpath(join(root, at)).catch(() => undefined)
    if (target === undefined || !isWithin(root, target)) {
      throw new UsageError(
        `nothing was written, because the symbolic link ${at} leads out of the project, or to nothing. Remove the link, or run init in another folder`,
      )
    }
    const stats = await stat(target)
    const isFile = at === path
    if (isFile ? stats.isFile() : stats.isDirectory()) continue
    throw new UsageError(
      `nothing was written, because ${at} is not a ${isFile ? 'file' : 'folder'}. Rename it, or run init in another folder`,
    )
  }
}

function isWithin(root: string, target: string): boolean {
  const path = relative(root, target)
  return !path.startsWith('..') && !isAbsolute(path)
}

/** Whether the path exists. Unlike {@link exists}, does not follow a symbolic link at its end. */
function isPresent(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
