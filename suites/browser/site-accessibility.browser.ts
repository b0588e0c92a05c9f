/** Tests pages of the site in Chromium on each screen size: accessibility, no sideways scrolling. */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import t from 'tap'
import { startSite } from './fixtures/site.js'

const AXE = readFileSync(
  new URL('../../site/node_modules/axe-core/axe.min.js', import.meta.url),
  'utf8',
)

/** The pages whose layout differs most, which are tested in every combination. */
const PAGES = [
  '/',
  '/options.html',
  '/decode.html',
  '/api/index/interfaces/ResourceServerOptions.html',
]
/** These are tested on the narrowest screen and on the widest. */
const MORE_PAGES = [
  '/errors.html',
  '/architecture.html',
  '/playground.html',
  '/source/examples-readiness-ts.html',
]

const { open, visit } = await startSite(t)

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly target: unknown; readonly failureSummary: string }[]
}

for (const width of [320, 768, 1440]) {
  for (const colorScheme of ['light', 'dark'] as const) {
    t.test(`is accessible at ${width} px, ${colorScheme}`, async (t) => {
      const viewport = { width, height: width < 600 ? 740 : 900 }
      const { page } = await open(t, '/', { viewport, colorScheme, reducedMotion: 'reduce' })
      const more = ['320 light', '1440 dark'].includes(`${width} ${colorScheme}`) ? MORE_PAGES : []
      for (const path of [...PAGES, ...more]) {
        await visit(page, path)
        if (path === '/decode.html') {
          await page.getByRole('button', { name: 'a JSON response' }).click()
          await page.getByText('Check the token').waitFor()
        }
        await page.evaluate(AXE)
        const { violations } = (await page.evaluate(
          `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })`,
        )) as { violations: readonly Violation[] }
        const found = violations.flatMap(({ id, nodes }) =>
          nodes.map(({ target, failureSummary }) => `${id} ${target}: ${failureSummary}`),
        )
        t.strictSame(found, [], path)
        t.ok(
          await page.evaluate('document.scrollingElement.scrollWidth <= innerWidth'),
          `${path} does not scroll sideways`,
        )
        await saveScreenshot(page, `site${path.replaceAll(/\W+/g, '-')}-${width}-${colorScheme}`)
      }
    })
  }
}

/** Saves a screenshot of the page in the folder `PICTURES`, if that variable is set. */
async function saveScreenshot(page: Page, name: string): Promise<void> {
  const { PICTURES } = process.env
  if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${name}.png` })
}
