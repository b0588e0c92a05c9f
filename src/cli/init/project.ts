/** Reads which language and which modules the project in a folder uses. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseJsonObject } from '../../base/json-object.js'
import { ownMember } from '../../base/plain-object.js'
import { UsageError } from '../exit-code.js'

export type RejectingSetting = 'verbatimModuleSyntax' | 'node16' | 'node18'

export interface Project {
  readonly folder: string
  readonly isTypeScript: boolean
  /** Whether the files are ECMAScript modules; otherwise they are CommonJS. */
  readonly isModule: boolean
  /** The setting of tsconfig.json with which TypeScript rejects the imports in CommonJS. */
  readonly rejectsImports: RejectingSetting | undefined
  readonly hasPackageJson: boolean
  /** The folder of the plugins, relative to the project, with slashes. */
  readonly plugins: 'plugins' | 'src/plugins'
}

/**
 * @param language the language that the user chose; `undefined` for TypeScript if there is a
 *   tsconfig.json, otherwise JavaScript.
 * @throws {UsageError} if package.json is not a JSON object.
 */
export async function readProject(
  folder: string,
  language: 'typescript' | 'javascript' | undefined,
): Promise<Project> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined)
  const manifest = text === undefined ? undefined : parseJsonObject(text)
  if (text !== undefined && manifest === undefined) {
    throw new UsageError('package.json is not a JSON object: correct it, and run init again')
  }
  const isTypeScript =
    language === undefined ? await exists(join(folder, 'tsconfig.json')) : language === 'typescript'
  // init writes a package.json with "type": "module" if there is none.
  const isModule = manifest === undefined || ownMember(manifest, 'type') === 'module'
  return {
    folder,
    isTypeScript,
    isModule,
    rejectsImports: isTypeScript && !isModule ? await rejectingSetting(folder) : undefined,
    hasPackageJson: manifest !== undefined,
    plugins: (await exists(join(folder, 'src'))) ? 'src/plugins' : 'plugins',
  }
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/**
 * `tsc --init` sets `verbatimModuleSyntax`. With the modules of Node 16 and 18, which could not
 * require() ECMAScript modules, TypeScript reports each import of them as an error (TS1479).
 */
async function rejectingSetting(folder: string): Promise<RejectingSetting | undefined> {
  const text = await readFile(join(folder, 'tsconfig.json'), 'utf8').catch(() => '')
  if (/^[^/\r\n\u2028\u2029]*"verbatimModuleSyntax"\s*:\s*true/m.test(text))
    return 'verbatimModuleSyntax'
  const [, version] = /^[^/\r\n\u2028\u2029]*"module"\s*:\s*"(node1[68])"/im.exec(text) ?? []
  return version?.toLowerCase() as RejectingSetting | undefined
}
