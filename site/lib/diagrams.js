/** Renders the Mermaid diagrams when the site is built, so that readers load no renderer. */
import { renderMermaidSVG } from 'beautiful-mermaid'

/** The colors are those of the theme, light and dark. */
const COLORS = {
  bg: 'var(--vp-c-bg)',
  fg: 'var(--vp-c-text-1)',
  muted: 'var(--vp-c-text-2)',
  line: 'var(--vp-c-text-2)',
  border: 'var(--vp-c-border)',
  surface: 'var(--vp-c-bg-soft)',
  accent: 'var(--vp-c-brand-1)',
  transparent: true,
}

export function renderDiagrams(markdown) {
  const { fence } = markdown.renderer.rules
  markdown.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info, content } = tokens[index]
    if (info.trim() !== 'mermaid') return fence(tokens, index, ...rest)
    return `<div class="diagram" role="img" aria-label="${labelOf(tokens, index)}" tabindex="0" v-html="${attribute(JSON.stringify(svgOf(content, index)))}"></div>\n`
  }
}

/** Returns the heading above the diagram. */
function labelOf(tokens, index) {
  const heading = tokens.findLastIndex(({ type }, i) => i < index && type === 'heading_open')
  return attribute(`Diagram: ${tokens[heading + 1]?.content ?? ''}`)
}

function attribute(text) {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}

/** @param id makes the identifiers of the SVG unique in the page. */
function svgOf(source, id) {
  return (
    renderMermaidSVG(source, COLORS)
      // The site loads nothing from other hosts.
      .replace(/@import url\([^)]*\);/, '')
      .replace(/text \{ font-family[^}]*\}/, '')
      .replaceAll(/(id="|url\(#)([\w-]+)/g, `$1$2-${id}`)
  )
}
