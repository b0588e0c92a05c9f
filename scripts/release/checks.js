/**
 * The checks of `npm run release:check`. Each returns its problems, one sentence per problem that
 * says what to do; an empty array if there are none.
 */

const LINKED_HOSTS = ['github.com', 'gitlab.com', 'bitbucket.org']
const ROOT_FILES = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md']

/** What to add to package.json if a field is missing. The owner of the package decides the values. */
const TO_ADD = {
  repository: (name) =>
    `"repository": { "type": "git", "url": "git+https://HOST/OWNER/${name}.git" }, because registries resolve the relative links of README.md with it`,
  homepage: () => '"homepage": "https://…", the address of the documentation',
  bugs: (name) => `"bugs": "https://HOST/OWNER/${name}/issues", where users report defects`,
  author: () => '"author": "NAME <EMAIL> (URL)", the person or organization that publishes it',
}

/** The fields that only the owner of the package can fill in. */
export const OWNER_FIELDS = Object.keys(TO_ADD)

export function manifestProblems(manifest) {
  const missing = OWNER_FIELDS.filter((field) => !isFilled(manifest[field])).map(
    (field) => `package.json has no "${field}": add ${TO_ADD[field](manifest.name)}`,
  )
  const { url } = repositoryOf(manifest)
  const invalid = [
    isFilled(url) &&
      repositoryUrl(manifest) === undefined &&
      `"repository" in package.json must be a URL of a git repository, not ${url}`,
    ...['homepage', 'bugs'].map((field) => {
      const value = manifest[field]?.url ?? manifest[field]
      return (
        typeof value === 'string' &&
        value !== '' &&
        !/^https:\/\/\S+$/.test(value) &&
        `"${field}" in package.json must be an https URL, not ${value}`
      )
    }),
    manifest.private === true && 'package.json has "private": true, so that npm refuses to publish',
    !/^\d+\.\d+\.\d+(?:-[\w.-]+)?$/.test(manifest.version) &&
      '"version" in package.json must be a semantic version: run npm version',
  ]
  return [...missing, ...invalid.filter(Boolean)]
}

function isFilled(value) {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' && value !== ''
  return isFilled(value.url ?? value.name ?? value.email)
}

function repositoryOf({ repository }) {
  return typeof repository === 'string' ? { url: repository } : (repository ?? {})
}

/** Returns the URL of the repository; `undefined` if it is missing or is no URL. */
function repositoryUrl(manifest) {
  const { url = '' } = repositoryOf(manifest)
  const [, host, path] = /^(github|gitlab|bitbucket):([\w.-]+\/[\w.-]+)$/.exec(url) ?? []
  const known = LINKED_HOSTS.find((name) => name.startsWith(`${host}.`))
  const full = host === undefined ? url.replace(/^git\+/, '') : `https://${known}/${path}`
  return /^(?:https|ssh|git):\/\/[^/]+\/./.test(full) ? new URL(full) : undefined
}

/** @param paths the files of the tarball. */
export function contentProblems(manifest, paths) {
  const targets = Object.entries(manifest.exports).flatMap(([entry, target]) =>
    typeof target === 'string' ? [] : [[entry, target]],
  )
  const needed = [
    ...ROOT_FILES,
    ...Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    ),
    ...Object.values(manifest.bin ?? {}),
  ].map((path) => path.replace(/^\.\//, ''))
  const isModule = (path) => /^(?!dist\/chunks\/).*\.js$/.test(path)
  return [
    ...[...new Set(needed)]
      .filter((path) => !paths.includes(path))
      .map((path) => `the tarball lacks ${path}: build it, or add it to "files" in package.json`),
    ...targets
      .filter(([, { types = '' }]) => !types.endsWith('.d.ts'))
      .map(([entry]) => `the export "${entry}" has no "types" condition with a .d.ts file`),
    ...paths
      .filter((path) => !ROOT_FILES.includes(path) && !/^dist\/[\w/-]+\.(?:js|d\.ts)$/.test(path))
      .map((path) => `the tarball has ${path}: remove it from "files" in package.json`),
    ...paths
      .filter((path) => isModule(path) && !paths.includes(path.replace(/\.js$/, '.d.ts')))
      .map((path) => `${path} has no declaration file`),
  ]
}

/**
 * @param files the text of each file of the tarball, by its path.
 * @param machine folders and hosts of this machine that must not be published.
 */
export function textProblems(files, { folders, hosts }) {
  const names = new Set(hosts)
  const paths = [...folders, '/home/', '/Users/', '/root/', 'C:\\Users\\']
  return [...files].flatMap(([file, text]) => [
    ...sourceMapsIn(text)
      .filter((map) => !map.startsWith('data:') && !files.has(joined(file, map)))
      .map((map) => `${file} names the source map ${map}, which is not in the tarball`),
    ...paths
      .filter((path) => text.includes(path))
      .map((path) => `${file} contains a path of this machine (${path}): build without it`),
    ...[...names]
      .filter((host) => text.includes(host))
      .map(() => `${file} names a registry: remove the download address`),
  ])
}

function sourceMapsIn(text) {
  return [...text.matchAll(/^\/[/*][#@] sourceMappingURL=(\S+)/gm)].map(([, map]) => map)
}

function joined(file, relative) {
  return new URL(relative, `file:///${file}`).pathname.slice(1)
}

/**
 * Checks that the links and images of README.md work on the page of a registry, which resolves
 * relative ones with "repository".
 *
 * @param tracked the files of the repository.
 */
export function readmeProblems(manifest, readme, tracked) {
  const text = readme.replace(/^ *```[\s\S]*?^ *```$/gm, '').replace(/`[^`\n]*`/g, '')
  const links = [
    ...[...text.matchAll(/\]\(([^)\s]+)[^)]*\)/g)].map(([, link]) => link),
    ...[...text.matchAll(/\s(?:href|src)="([^"]+)"/g)].map(([, link]) => link),
  ]
  const headings = (readme.match(/^#+ .*$/gm) ?? []).map(slug)
  const problems = [...new Set(links)].flatMap((link) => {
    if (link.startsWith('#')) {
      return headings.includes(link.slice(1))
        ? []
        : [`README.md links to the heading ${link}, which does not exist`]
    }
    if (/^[a-z][a-z+.-]*:/i.test(link)) {
      return /^(?:https|mailto):/.test(link) ? [] : [`README.md links to ${link}: use https`]
    }
    const path = link
      .replace(/[?#].*$/, '')
      .replace(/^\.\//, '')
      .replace(/\/$/, '')
    const exists = tracked.some((file) => file === path || file.startsWith(`${path}/`))
    return exists ? [] : [`README.md links to ${link}, which is not in the repository`]
  })
  const relative = links.filter((link) => !/^(?:#|[a-z][a-z+.-]*:)/i.test(link)).length
  const url = repositoryUrl(manifest)
  // Without "repository", the check of package.json reports it.
  if (url !== undefined && relative > 0 && !LINKED_HOSTS.includes(url.hostname)) {
    problems.push(
      `README.md has ${relative} relative links, which registries resolve only for ${LINKED_HOSTS.join(', ')}: make them absolute`,
    )
  }
  return problems
}

/** Returns the anchor that GitHub and npm generate. */
function slug(heading) {
  return heading
    .replace(/^#+ /, '')
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-')
}

export function changelogProblems({ version }, changelog) {
  const sections = changelog.split(/^## /m).slice(1)
  const section = sections.find((text) => text.split(/[\s\]]/, 1)[0].replace('[', '') === version)
  if (section === undefined) return [`CHANGELOG.md has no section "## ${version}": add it`]
  return /^- /m.test(section) ? [] : [`the section ${version} of CHANGELOG.md lists no change`]
}

/** @param status the output of `git status --porcelain`. */
export function treeProblems(status) {
  const files = status.split('\n').filter(Boolean)
  return files.length === 0
    ? []
    : [
        `the working tree has ${files.length} uncommitted changes (${files[0].trim()} …): commit them`,
      ]
}
