/**
 * Corrects the default theme where it violates WCAG: a sidebar group is a button with another button
 * in it (4.1.2), and the name of the search button lacks its visible text (2.5.3). Adapts two parts
 * to the Content-Security-Policy: the search, which accepts no function that ranks results, and the
 * router. The build fails if a new version of VitePress has other code, so that the corrections are
 * reviewed.
 */

/** The pages that answer most questions come first, those about the project and the API last. */
const RANK = String.raw`(id) =>
  /\/(?:start|routes|options|errors|faq)\.html/.test(id) ? 1.6
  : /\/(?:adr|api|contributing|evidence)\/|\/(?:architecture|benchmarks|changelog|contributing|performance|security)\.html/.test(id) ? 0.3
  : 1`

const CORRECTIONS = {
  'VPSidebarItem.vue': [
    ["(isLink.value ? undefined : 'button')", 'undefined'],
    [':tabindex="item.items && 0"', ''],
    [
      'aria-label="toggle section"',
      `:aria-label="item.text + ', section'" :aria-expanded="!collapsed"`,
    ],
  ],
  'VPNavBarSearchButton.vue': [
    // The style sheet writes the key, which is a shortcut and no part of the name.
    ['<kbd class="DocSearch-Button-Key">K</kbd>', '<kbd class="DocSearch-Button-Key key-k"></kbd>'],
    ['type="button"', 'type="button" aria-keyshortcuts="Control+K Meta+K"'],
  ],
  'VPLocalSearchBox.vue': [['prefix: true,', `prefix: true, boostDocument: ${RANK},`]],
  'router.js': [
    // The file of a page is missing after a new deployment, or because there is no such page. The
    // router would request the names of the new files, which the policy forbids. It has no component
    // while it renders the first page, which is then the one for unknown addresses.
    [
      "const res = await fetch(siteDataRef.value.base + 'hashmap.json');",
      'if (route.component === null) throw err; return location.reload();',
    ],
  ],
}

const ROUTER = /\/vitepress\/dist\/client\/app\/router\.js$/

export const themeCorrections = {
  name: 'theme-corrections',
  enforce: 'pre',
  transform(code, id) {
    const corrections = CORRECTIONS[id.split('/').at(-1)]
    if (corrections === undefined) return undefined
    if (!code.includes('<template>') && !ROUTER.test(id)) return undefined
    return corrections.reduce((text, [found, replacement]) => {
      if (!text.includes(found)) throw new Error(`${id} does not contain ${found}`)
      return text.replace(found, () => replacement)
    }, code)
  },
}
