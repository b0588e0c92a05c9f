import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { withPolicy } from '../lib/content-security-policy.js'
import { renderDiagrams } from '../lib/diagrams.js'
import { removeContents, rewriteLinks, slugify } from '../lib/links.js'
import { descriptionOf, manifest, otherMarkdown, pages } from '../lib/pages.js'
import { apiSidebar, guidesSidebar } from '../lib/sidebar.js'
import { themeCorrections } from '../lib/theme-corrections.js'

/** The path under which the site is published, with a slash at both ends. */
const base = `/${process.env.DOCS_BASE ?? ''}/`.replaceAll(/\/+/g, '/')
const nodeModules = fileURLToPath(new URL('../decoder/node-modules.js', import.meta.url))

/**
 * Indexes a page of the API reference as one section, so that the search lists the guides before
 * the members that have the same names.
 */
function renderForSearch(source, env, markdown) {
  const html = markdown.render(source, env)
  if (env.frontmatter?.search === false) return ''
  return env.relativePath.startsWith('site/api/')
    ? html.replace(/<(\/?)h[2-6]\b[^>]*>/g, '<$1p>')
    : html
}

export default defineConfig({
  lang: 'en',
  title: manifest.name,
  titleTemplate: `:title · ${manifest.name}`,
  description: manifest.description,
  base,
  head: [['link', { rel: 'icon', href: `${base}icon.svg`, type: 'image/svg+xml' }]],
  srcDir: '..',
  srcExclude: otherMarkdown().filter((file) => !file.startsWith('site/source/')),
  outDir: '../.build/site',
  cacheDir: '../.build/site-cache',
  rewrites: { ...pages, 'site/source/:page': 'source/:page' },
  metaChunk: true,
  // Without prefetching, a page sends no request after it is loaded.
  router: { prefetchLinks: false },
  transformPageData: ({ filePath }) =>
    pages[filePath] === undefined ? undefined : { description: descriptionOf(filePath) },
  transformHtml: withPolicy,
  vite: {
    publicDir: 'site/public',
    plugins: [themeCorrections],
    resolve: { alias: { 'node:buffer': nodeModules, 'node:util': nodeModules } },
    build: { chunkSizeWarningLimit: 2_000 },
  },
  markdown: {
    anchor: { slugify },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(markdown) {
      // Vue's compiler removes a line break between two elements.
      markdown.renderer.rules.softbreak = () => ' '
      removeContents(markdown)
      rewriteLinks(markdown)
      renderDiagrams(markdown)
    },
  },
  themeConfig: {
    logo: '/icon.svg',
    nav: [
      { text: 'Guides', link: '/start', activeMatch: '^/(?!api/|decode|options|$)' },
      { text: 'Options', link: '/options' },
      { text: 'API', link: '/api/', activeMatch: '^/api/' },
      { text: 'Decoder', link: '/decode' },
      {
        text: `v${manifest.version}`,
        items: [
          { text: 'Changelog', link: '/changelog' },
          { text: 'Security policy', link: '/security' },
          { text: 'Contributing', link: '/contributing' },
        ],
      },
    ],
    sidebar: { '/api/': apiSidebar(), '/': guidesSidebar() },
    outline: { level: [2, 3] },
    search: { provider: 'local', options: { _render: renderForSearch } },
    notFound: {
      title: 'Page not found',
      quote: 'The site has no page at this address. The search finds guides, options and errors.',
      linkLabel: 'Go to the first page',
      linkText: 'Go to the first page',
    },
    footer: {
      message: `${manifest.name} ${manifest.version}, MIT license`,
    },
  },
})
