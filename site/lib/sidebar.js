/** The contents of the site: each group with its pages and their short titles. */
import { pages, titleOf } from './pages.js'

const GROUPS = [
  [
    'Start',
    {
      'README.md': 'Overview',
      'docs/start.md': 'Quick start',
      'docs/providers.md': 'Providers',
      'docs/routes.md': 'Protect routes',
      'docs/options.md': 'Options',
      'docs/errors.md': 'Errors',
      'docs/faq.md': 'FAQ',
      'docs/migration/README.md': 'Migrate',
    },
  ],
  [
    'Tokens',
    {
      'docs/introspection.md': 'Opaque tokens',
      'docs/bound-tokens.md': 'DPoP and mTLS',
      'docs/encrypted-tokens.md': 'Encrypted tokens',
      'docs/workload-tokens.md': 'Workloads and gateways',
      'docs/revocation.md': 'Logout and revocation',
      'docs/security-events.md': 'Security events',
      'docs/tenants.md': 'Tenants',
      'docs/token-exchange.md': 'Token exchange',
    },
  ],
  [
    'Frameworks',
    {
      'docs/nestjs.md': 'NestJS',
      'docs/mcp.md': 'MCP servers',
      'docs/openapi.md': 'OpenAPI',
      'examples/README.md': 'Examples',
    },
  ],
  [
    'Tools',
    {
      'site/pages/decode.md': 'Decode a token',
      'site/pages/playground.md': 'Playground',
      'docs/command-line.md': 'Command line',
      'docs/testing.md': 'Test your API',
    },
  ],
  [
    'Operation',
    {
      'docs/keys.md': 'Keys and outages',
      'docs/scaling.md': 'Several instances',
      'docs/observability.md': 'Metrics, traces, logs',
      'docs/runbook.md': 'Runbook',
      'docs/performance.md': 'Performance',
    },
  ],
  [
    'Project',
    {
      'docs/README.md': 'All guides',
      'CHANGELOG.md': 'Changelog',
      'docs/security-model.md': 'Security model',
      'SECURITY.md': 'Security policy',
      'docs/architecture.md': 'Architecture',
      'CONTRIBUTING.md': 'Contributing',
      'bench/README.md': 'Benchmarks',
    },
  ],
]

/** Folders of `docs`, each a group that is collapsed at first. */
const FOLDERS = {
  recipes: 'Recipes',
  migration: 'Migrate from',
  adr: 'Decisions',
  contributing: 'For contributors',
  evidence: 'Evidence',
}

export function guidesSidebar() {
  const groups = GROUPS.map(([text, files]) => ({
    text,
    collapsed: false,
    items: Object.entries(files).map(([file, title]) => item(file, title)),
  }))
  const grouped = GROUPS.flatMap(([, files]) => Object.keys(files))
  const folders = Object.entries(FOLDERS).map(([folder, text]) => ({
    text,
    collapsed: true,
    items: filesStarting(`docs/${folder}/`)
      .filter((file) => !grouped.includes(file))
      .map((file) => item(file, titleOf(file).replace(`${text} `, ''))),
  }))
  const listed = [...groups, ...folders].flatMap(({ items }) => items.map(({ link }) => link))
  // A new guide that no group has yet.
  const others = filesStarting('docs/').filter((file) => !listed.includes(linkOf(file)))
  if (others.length > 0) groups.push({ text: 'More', items: others.map((file) => item(file)) })
  return [...groups, ...folders]
}

/** Returns one group for each entry point, with its classes, functions, interfaces and types. */
export function apiSidebar() {
  const files = filesStarting('site/api/')
  const modules = files.filter((file) => /^site\/api\/\w+\/README\.md$/.test(file))
  modules.sort((a, b) => titleOf(a).length - titleOf(b).length)
  return [
    item('site/api/README.md', 'API reference'),
    ...modules.map((module) => {
      const folder = module.replace('README.md', '')
      const kinds = new Map()
      for (const file of files) {
        const [, kind] = new RegExp(`^${folder}([\\w-]+)/`).exec(file) ?? []
        if (kind !== undefined) kinds.set(kind, [...(kinds.get(kind) ?? []), file])
      }
      return {
        text: titleOf(module),
        link: linkOf(module),
        collapsed: false,
        items: [...kinds].sort().map(([kind, members]) => ({
          text: kind.replace('type-aliases', 'types').replace(/^./, (c) => c.toUpperCase()),
          collapsed: true,
          items: members.map((file) => item(file)),
        })),
      }
    }),
  ]
}

function filesStarting(path) {
  return Object.keys(pages)
    .filter((file) => file.startsWith(path))
    .sort((a, b) => (a < b ? -1 : 1))
}

function item(file, text = titleOf(file)) {
  return { text, link: linkOf(file) }
}

function linkOf(file) {
  return `/${pages[file]}`.replace(/index\.md$/, '').replace(/\.md$/, '')
}
