/**
 * Builds the documentation as a static site in `.build/site`, from `docs`, the examples and the doc
 * comments of `src`. `site/package.json` has the programs for it.
 *
 *     npm run docs        # builds the site, if one of its inputs has changed
 *     npm run docs:serve  # builds the site and serves it
 *     npm run docs:dev    # serves the pages, and shows changes at once
 *
 * `DOCS_BASE` is the path under which the site is published, such as `/fastify-resource-server/`.
 */
import { spawnSync } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { whenChanged } from './when-changed.js'

const [mode] = process.argv.slice(2)
process.chdir(fileURLToPath(new URL('..', import.meta.url)))

await whenChanged('packages of the site', {
  inputs: ['site/package-lock.json'],
  output: 'site/node_modules/.package-lock.json',
  build: () => run('npm', 'ci', '--prefix', 'site', '--silent', '--prefer-offline'),
})
await whenChanged('API reference', {
  inputs: ['src', 'typedoc.json', 'tsconfig.build.json', 'site/typedoc.js'],
  output: 'site/api/README.md',
  build: () => run('npx', 'typedoc', '--options', 'site/typedoc.js', '--logLevel', 'Warn'),
})
if (mode === '--dev') {
  vitepress('dev')
} else {
  // Imported after the API reference is written, because its pages are listed at the import.
  const { linkedSources, pages } = await import('../site/lib/pages.js')
  const own = ['.vitepress', 'decoder', 'lib', 'public', 'source', 'package-lock.json']
  await whenChanged('site', {
    inputs: [
      ...Object.keys(pages),
      ...linkedSources().filter((path) => statSync(path).isFile()),
      ...own.map((name) => `site/${name}`),
      'src',
      'docs/playground.png',
    ],
    setting: process.env.DOCS_BASE,
    output: '.build/site/index.html',
    build: () => {
      rmSync('.build/site', { recursive: true, force: true })
      vitepress('build')
    },
  })
  if (mode === '--serve') vitepress('preview')
}

function vitepress(command) {
  run(process.execPath, 'site/node_modules/vitepress/bin/vitepress.js', command, 'site')
}

/** Exits with the status of the command if it fails. */
function run(command, ...args) {
  const { status } = spawnSync(command, args, {
    stdio: 'inherit',
    shell: command !== process.execPath && process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? 1)
}
