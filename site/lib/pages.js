/**
 * Maps the files of the repository to pages of the site. The guides stay in `docs`, which is their
 * only source.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))
export const read = (path) => readFileSync(root + path, 'utf8')
export const manifest = JSON.parse(read('package.json'))

/** Pages outside `docs`, each with its path on the site. */
const OTHERS = {
  'README.md': 'overview.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'security.md',
  'bench/README.md': 'benchmarks.md',
  'docs/README.md': 'guides.md',
  'examples/README.md': 'examples.md',
}

const isMarkdown = (path) => path.endsWith('.md')

/** Returns no file if the folder does not exist, as `site/api` before TypeDoc ran. */
function filesIn(folder) {
  if (!existsSync(root + folder)) return []
  return readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).map(
    (name) => `${folder}/${name.replaceAll('\\', '/')}`,
  )
}

function pathOf(file) {
  const other = OTHERS[file]
  if (other !== undefined) return other
  return file
    .replace(/^(?:docs|site\/pages|site(?=\/api))\//, '')
    .replace(/(^|\/)README\.md$/, '$1index.md')
}

/** The path on the site of each page, by its file. */
export const pages = Object.fromEntries(
  [...Object.keys(OTHERS), ...filesIn('docs'), ...filesIn('site/api'), ...filesIn('site/pages')]
    .filter(isMarkdown)
    .map((file) => [file, pathOf(file)]),
)

/** The Markdown files of the repository that are no pages. */
export function otherMarkdown() {
  const listed = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' })
  return listed.split('\n').filter((file) => file !== '' && pages[file] === undefined)
}

/** Returns the files and folders to which pages link, other than pages, with those in the folders. */
export function linkedSources() {
  const linked = new Set()
  for (const file of Object.keys(pages)) {
    for (const [, link] of read(file).matchAll(/\]\(([^)\s]+)\)/g)) {
      const path = repositoryPath(file, link)
      if (path !== undefined && pages[path] === undefined && isSource(path)) linked.add(path)
    }
  }
  for (const path of linked) {
    if (!statSync(root + path).isDirectory()) continue
    for (const file of filesOf(path)) linked.add(file)
  }
  return [...linked].sort()
}

/** Returns the files directly in a folder. */
export function filesOf(folder) {
  return readdirSync(root + folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => `${folder}/${name}`)
    .sort()
}

/** Whether the path is a file or folder whose text a page may show. */
function isSource(path) {
  return (
    /^(?:src|test|suites|scripts|examples|bench|LICENSE)(?:\/|$)/.test(path) &&
    statSync(root + path, { throwIfNoEntry: false }) !== undefined
  )
}

/**
 * Returns the path in the repository to which a link of a file leads; `undefined` if the link leads
 * to another site or to a heading of the same page.
 */
export function repositoryPath(file, link) {
  if (/^(?:[a-z][a-z+.-]*:|\/|#)/i.test(link)) return undefined
  const [path] = link.split('#')
  return posix.join(posix.dirname(file), decodeURI(path)).replace(/\/$/, '')
}

/** Returns the page that shows the text of a file, or the files of a folder. */
export function sourcePage(path) {
  return `source/${path.replaceAll('/', '-').replaceAll('.', '-')}`
}

/** Returns the first heading of a page, without formatting. */
export function titleOf(file) {
  const [, title = file] = /^# (.+)$/m.exec(read(file)) ?? []
  return title.replaceAll('`', '').replaceAll('\\', '')
}

/** Returns the first sentences of a page without formatting; `undefined` if it has none. */
export function descriptionOf(file) {
  const text = read(file)
    .replaceAll(/^---\n[\s\S]*?\n---\n|^```[\s\S]*?^```/gm, '')
    .split(/\n\n+/)
    .find((paragraph) => /^(?!\*\*Contents)[\p{L}"`[*][\s\S]*\.$/u.test(paragraph))
    ?.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[`*\\]/g, '')
    .replaceAll('\n', ' ')
  return text !== undefined && text.length > 200 ? `${text.slice(0, 199)}…` : text
}
