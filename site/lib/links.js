/**
 * Rewrites the links of the repository for the site: `../examples/mcp.ts` leads to a page that shows
 * the file, `../README.md` to the overview.
 */
import { relative } from 'node:path'
import { pages, repositoryPath, root, sourcePage } from './pages.js'

export function rewriteLinks(markdown) {
  markdown.core.ruler.push('repository-links', ({ tokens, env }) => {
    // VitePress also renders titles, without a file.
    const path = env.realPath ?? env.path
    if (path === undefined) return
    const file = relative(root, path).replaceAll('\\', '/')
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        if (token.type !== 'link_open') continue
        const link = token.attrGet('href')
        const target = repositoryPath(file, link)
        if (target !== undefined) token.attrSet('href', siteLink(target, link))
      }
    }
  })
}

function siteLink(path, link) {
  const [, hash = ''] = /(#.*)$/.exec(link) ?? []
  const page = pages[path]
  return page === undefined ? `/${sourcePage(path)}` : `/${page}${hash}`
}

/** Removes the contents of a page: the site has its own beside the page. */
export function removeContents(markdown) {
  markdown.core.ruler.push('no-contents', (state) => {
    const at = state.tokens.findIndex(
      ({ type, content }) => type === 'inline' && content.startsWith('**Contents:**'),
    )
    if (at > 0) state.tokens.splice(at - 1, 3)
  })
}

/** Returns the anchor that GitHub generates, so that the links of the repository work here too. */
export function slugify(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')
}
