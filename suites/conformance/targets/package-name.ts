/** Returns the name of a package with its installed version, for the table's head. */
import { readFileSync } from 'node:fs'
import { join, sep } from 'node:path'

export function packageNamed(require: NodeJS.Require, name: string, mode = ''): string {
  const entry = require.resolve(name)
  const folder = join('node_modules', ...name.split('/'))
  const root = entry.slice(0, entry.lastIndexOf(`${folder}${sep}`) + folder.length)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return `${name} ${version}${mode && `, ${mode}`}`
}
