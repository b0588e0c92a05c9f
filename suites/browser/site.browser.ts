/** Tests the site that `npm run docs` builds, in Chromium: links, decoder, search, keyboard. */
import { readFileSync } from 'node:fs'
import type { Route } from 'playwright-core'
import t from 'tap'
import { checkCommand } from '../../src/cli/explain/check-command.js'
import { decodeToken } from '../../src/cli/explain/decoded-token.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { startSite } from './fixtures/site.js'
import { pathInSite, siteBase, siteFiles } from './fixtures/site-server.js'

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

const { site, open, visit } = await startSite(t)

const htmlPages = [...siteFiles.keys()].filter((path) => path.endsWith('.html'))
const textOf = (path: string) => `${siteFiles.get(path)}`

function linksOf(path: string): string[] {
  return [...textOf(path).matchAll(/<(?:a|img|link|script)\b[^>]*?\s(?:href|src)="([^"]+)"/g)].map(
    ([, link = '']) => link.replaceAll('&amp;', '&'),
  )
}

t.test('every link leads to a page, and every fragment to an element of it', async (t) => {
  t.ok(htmlPages.length > 200, `${htmlPages.length} pages`)
  const ids = new Map<string, Set<string>>()
  const idsOf = (path: string) => {
    const found = ids.get(path) ?? new Set(textOf(path).match(/(?<=\sid=")[^"]+/g))
    ids.set(path, found)
    return found
  }
  const dead: string[] = []
  let checked = 0
  for (const page of htmlPages) {
    if (page === '/404.html') continue
    for (const link of linksOf(page)) {
      const { origin, pathname, hash } = new URL(link, site.url + page)
      if (origin !== site.origin) continue
      checked++
      const target = pathInSite(pathname.endsWith('/') ? `${pathname}index.html` : pathname)
      const isDead =
        !pathname.startsWith(siteBase) ||
        !siteFiles.has(target) ||
        (hash !== '' && !idsOf(target).has(decodeURIComponent(hash.slice(1))))
      if (isDead) dead.push(`${page}: ${link}`)
    }
  }
  t.ok(checked > 10_000, `${checked} links`)
  t.strictSame([...new Set(dead)], [])
})

t.test('no page loads anything from another host', async (t) => {
  const external = htmlPages.flatMap((page) =>
    [
      ...textOf(page).matchAll(
        /<(?:img|link|script)\b[^>]*?\s(?:href|src)="(?:https?:)?\/\/[^"]+"/g,
      ),
    ].map(([tag]) => `${page}: ${tag}`),
  )
  t.strictSame(external, [])
})

t.test('every guide is in the contents, and the version is on the page', async (t) => {
  const { page } = await open(t, '/start.html', { viewport: { width: 1440, height: 900 } })
  const listed = (await page.evaluate(
    `[...document.querySelectorAll('#VPSidebarNav a')].map((link) => link.getAttribute('href'))`,
  )) as string[]
  const guides = htmlPages.filter(
    (path) => !/^\/(?:api|source)\/|^\/(?:404|index)\.html$/.test(path),
  )
  t.ok(guides.length > 40)
  const hrefOf = (path: string) => siteBase + path.slice(1).replace(/index\.html$/, '')
  const missing = guides.filter((path) => !listed.includes(hrefOf(path)))
  t.strictSame(missing, [])
  t.ok(await page.getByRole('button', { name: `v${version}` }).isVisible())
  t.match(await page.locator('#VPSidebarNav').textContent(), 'Quick start')
})

t.test('no guide causes a console error', async (t) => {
  const { page, consoleErrors } = await open(t, '/')
  const visited = htmlPages.filter((path) => !/^\/(?:api|source)\/|^\/404/.test(path))
  const samples = [
    '/api/index.html',
    '/api/index/interfaces/ResourceServerOptions.html',
    '/source/examples-mcp-ts.html',
  ]
  for (const path of [...visited, ...samples]) {
    const before = consoleErrors.length
    await visit(page, path)
    t.strictSame(consoleErrors.slice(before), [], path)
    t.ok((await page.locator('h1').count()) === 1, `${path} has one heading of level 1`)
  }
})

t.test('pages have titles and descriptions of their own', async (t) => {
  const guides = htmlPages.filter((path) => /^\/[a-z-]+\.html$/.test(path) && path !== '/404.html')
  const described = guides.map((path) => {
    const [, title = ''] = /<title>([^<]+)/.exec(textOf(path)) ?? []
    const [, description = ''] =
      /<meta name="description" content="([^"]+)/.exec(textOf(path)) ?? []
    t.ok(description.length > 30, `${path}: ${description}`)
    return [title, description]
  })
  t.ok(guides.length > 25)
  for (const at of [0, 1]) t.equal(new Set(described.map((texts) => texts[at])).size, guides.length)
  const { page, consoleErrors } = await open(t, '/404.html')
  t.equal(await page.getByRole('heading').textContent(), 'Page not found')
  await page.getByRole('link', { name: 'Go to the first page' }).click()
  await page.getByRole('heading', { name: 'Validate OAuth access tokens' }).waitFor()
  t.strictSame(consoleErrors, [])
})

t.test('a page opened before a new deployment loads other pages', async (t) => {
  const { page } = await open(t, '/start.html')
  let missing = 0
  const answer = (route: Route) => {
    missing++
    return route.fulfill({ status: 404 })
  }
  await page.route('**/assets/options.md.*.js', answer, { times: 1 })
  await page.getByRole('link', { name: 'Options', exact: true }).first().click()
  await page.getByRole('heading', { level: 1, name: 'Options' }).waitFor()
  t.equal(missing, 1)
})

t.test('diagrams are complete', async (t) => {
  const { page } = await open(t, '/architecture.html')
  const diagrams = page.locator('.diagram')
  t.equal(await diagrams.count(), 4)
  for (const [at, text] of ['stores', 'pipeline', 'stale', 'application'].entries()) {
    t.match(await diagrams.nth(at).locator('svg').textContent(), text)
  }
})

t.test('the decoder explains a token as the command line does', async (t) => {
  await using authorizationServer = await createAuthorizationServer()
  const token = await authorizationServer.issueToken({ groups: ['Ädmins'] })
  const { page, consoleErrors } = await open(t, '/decode.html')
  const inputs = [
    token,
    `Bearer ${token}`,
    JSON.stringify({ access_token: token }),
    token.slice(0, -40),
    `${token.slice(0, 60)}!${token.slice(60)}`,
    token.replace('.', '.e30'),
    `${btoa('{"alg":"RS256"}').replaceAll('=', '')}.${btoa('{"iss":"é"}')}.c2ln`,
    'opaque',
    `${btoa('{"alg":"RSA-OAEP","enc":"A256GCM"}').replaceAll('=', '')}.a.b.c.d`,
  ]
  for (const input of inputs) {
    await page.getByLabel('Access token').fill(input)
    await page.getByText('Check the token').waitFor()
    const shown = await page.locator('.remarks dd').allTextContents()
    const { remarks, claims, rejection } = decodeToken(input, Date.now())
    const withoutDuration = (text: string) => text.replace(/\d+ (second|minute|hour)s?/, '…')
    t.strictSame(
      shown.map(withoutDuration),
      remarks.map(({ text }) => withoutDuration(text)),
      input.slice(0, 40),
    )
    t.match(await page.locator('.command').textContent(), checkCommand({ claims }))
    const wraps = `(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(
      document.querySelector('.command'))`
    t.ok(await page.evaluate(wraps), 'the command wraps')
    const status = (await page.getByRole('status').textContent()) ?? ''
    t.match(status, rejection === undefined ? 'Decoded, not checked' : rejection.message)
  }
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.locator('.command').hover()
  await page.locator('.decoder').getByRole('button', { name: 'Copy' }).click()
  const copied = await page.evaluate('navigator.clipboard.readText()')
  t.equal(copied, await page.locator('.command').textContent())
  t.strictSame(consoleErrors, [])
})

t.test('the decoder needs no network, and sends no request', async (t) => {
  const { page, consoleErrors } = await open(t, '/decode.html')
  await page.waitForLoadState('networkidle')
  const requests: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  await page.context().setOffline(true)
  for (const name of ['an expired token', 'an ID token', 'a JSON response', 'an opaque token']) {
    await page.getByRole('button', { name }).click()
    await page.getByText('Check the token').waitFor()
  }
  await page.getByRole('button', { name: 'a valid shape' }).click()
  t.match(await page.locator('.members').last().textContent(), 'ada@example.com')
  const token = await page.getByLabel('Access token').inputValue()
  t.strictSame(requests, [])
  await page.context().setOffline(false)
  await page.waitForTimeout(500)
  t.strictSame(requests, [], 'not even when the network is back')

  const stored = await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })')
  t.notMatch(stored, token.slice(0, 20))
  t.notMatch(page.url(), 'eyJ')
  t.strictSame(consoleErrors, [])
})

t.test('the Content-Security-Policy stops a script that sends the token', async (t) => {
  const { page } = await open(t, '/decode.html')
  const otherOrigin = site.origin.replace('127.0.0.1', 'localhost')
  const attempt = (code: string) =>
    page.evaluate<string>(
      `(async () => { try { ${code}; return 'sent' } catch { return 'blocked' } })()`,
    )
  t.equal(await attempt(`await fetch('/collect?eyJ', { method: 'POST', body: 'eyJ' })`), 'blocked')
  t.equal(
    await attempt(`await new Promise((resolve, reject) => {
      const request = new XMLHttpRequest()
      request.open('GET', '/collect?eyJ')
      Object.assign(request, { onload: resolve, onerror: reject }).send()
    })`),
    'blocked',
  )
  t.equal(
    await attempt(`await new Promise((resolve, reject) => {
      const socket = new WebSocket('ws://' + location.host)
      Object.assign(socket, { onopen: resolve, onerror: reject })
    })`),
    'blocked',
  )
  t.equal(
    await attempt(`await new Promise((resolve, reject) => {
      const image = new Image()
      Object.assign(image, { onload: resolve, onerror: reject, src: '${otherOrigin}/collect?eyJ' })
    })`),
    'blocked',
  )
  await attempt(`navigator.sendBeacon('/collect', 'eyJ')`)
  await page.waitForTimeout(200)
  t.strictSame(
    site.requests.filter((path) => path.startsWith('/collect')),
    [],
  )
})

t.test('search works with the keyboard, and finds guides and the API reference', async (t) => {
  const { page, consoleErrors } = await open(t, '/start.html')
  await page.keyboard.press('Control+k')
  const field = page.getByRole('searchbox')
  await field.waitFor()
  await page.waitForFunction('document.activeElement?.id === "localsearch-input"')
  await page.keyboard.type('clockTolerance')
  const results = page.locator('#localsearch-list [role=option]')
  await results.first().waitFor()
  t.match(await results.first().textContent(), /Options\s*clockTolerance/, 'the guide is first')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  await page.waitForURL(/clocktolerance/i)
  t.equal(await page.getByRole('searchbox').count(), 0, 'the search is closed')

  await page.keyboard.press('/')
  await field.waitFor()
  await page.keyboard.type('createTokenExchanger')
  await page.locator('#localsearch-list a[href*="/api/"]').first().waitFor()
  await page.keyboard.press('Escape')
  await field.waitFor({ state: 'detached' })
  t.strictSame(consoleErrors, [])
})

for (const [query, guide] of [
  ['401', '/faq.html'],
  ['invalid_token', '/errors.html'],
  ['roles', '/routes.html#requirements'],
  ['clock skew', '/runbook.html'],
  ['Keycloak', '/providers.html#keycloak'],
  ['NestJS', '/nestjs.html'],
] as const) {
  t.test(`search for ${query} finds ${guide} first`, async (t) => {
    const { page } = await open(t, '/start.html')
    await page.keyboard.press('/')
    await page.getByRole('searchbox').fill(query)
    const first = page.locator('#localsearch-list a').first()
    await first.waitFor()
    t.match(await first.getAttribute('href'), guide)
  })
}

t.test('the skip link and the menus work with the keyboard', async (t) => {
  const { page } = await open(t, '/options.html', { viewport: { width: 1440, height: 900 } })
  await page.keyboard.press('Tab')
  const focused = page.locator(':focus')
  t.equal((await focused.textContent())?.trim(), 'Skip to content')
  t.ok(await focused.isVisible())
  await page.keyboard.press('Enter')
  t.equal(await page.evaluate('document.activeElement.id'), 'VPContent')

  const version = page.getByRole('button', { name: /^v\d/ })
  await version.focus()
  await page.keyboard.press('Enter')
  await page.locator('.VPNavBarMenu .menu').getByText('Changelog').waitFor()
  await page.keyboard.press('Tab')
  t.equal((await focused.textContent())?.trim(), 'Changelog')
  await page.keyboard.press('Enter')
  await page.waitForURL(/changelog/)

  await page.setViewportSize({ width: 320, height: 740 })
  const hamburger = page.getByRole('button', { name: 'mobile navigation' })
  await hamburger.focus()
  await page.keyboard.press('Enter')
  await page.locator('#VPNavScreen').waitFor()
  t.match(await page.locator('#VPNavScreen').textContent(), 'Decoder')
  await page.keyboard.press('Enter')
  await page.locator('#VPNavScreen').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Menu', exact: true }).focus()
  await page.keyboard.press('Enter')
  t.ok(await page.locator('#VPSidebarNav').getByText('Protect routes').isVisible())
})

t.test('the appearance can be switched', async (t) => {
  const { page } = await open(t, '/', { viewport: { width: 1440, height: 900 } })
  const isDark = () => page.evaluate('document.documentElement.classList.contains("dark")')
  t.equal(await isDark(), false)
  await page.getByRole('switch').first().focus()
  await page.keyboard.press('Enter')
  t.equal(await isDark(), true)
})

t.test('a table that scrolls has a shadow at the edge behind which it continues', async (t) => {
  const context = { viewport: { width: 320, height: 740 }, reducedMotion: 'reduce' } as const
  const { page } = await open(t, '/errors.html', context)
  const [attachment, covering] = await page.evaluate<[string, string[]]>(`(() => {
    const table = document.querySelector('.vp-doc table')
    const isOpaque = (element) => /^rgb\\(/.test(getComputedStyle(element).backgroundColor)
    const rows = [...table.querySelectorAll('tr, th, td')].filter(isOpaque)
    return [getComputedStyle(table).backgroundAttachment, rows.map((row) => row.textContent)]
  })()`)
  t.equal(attachment, 'local, local, scroll, scroll')
  t.strictSame(covering, [], 'the shadow is behind the rows')
})

t.test('on paper, tables and code are complete, without the menus', async (t) => {
  const { page } = await open(t, '/', { viewport: { width: 794, height: 1123 } }) // A4
  await page.emulateMedia({ media: 'print' })
  for (const path of ['/errors.html', '/runbook.html', '/mcp.html']) {
    await visit(page, path)
    const cut = await page.evaluate(`[...document.querySelectorAll('.vp-doc :is(table, pre)')]
      .filter((element) => element.scrollWidth > Math.min(element.clientWidth + 1, innerWidth))
      .map((element) => element.textContent.trim().slice(0, 80))`)
    t.strictSame(cut, [], path)
    t.notOk(await page.getByRole('banner').isVisible())
    t.notOk(await page.locator('#VPSidebarNav').isVisible())
  }
})

t.test('tables of two columns fit on the narrowest phone', async (t) => {
  const { page } = await open(t, '/', { viewport: { width: 320, height: 740 } })
  for (const path of ['/migration/', '/recipes/', '/command-line.html', '/keys.html']) {
    await visit(page, path)
    const [count, hidden] = await page.evaluate<[number, string[]]>(`(() => {
      const tables = [...document.querySelectorAll('.vp-doc table')]
        .filter((table) => table.querySelectorAll('thead th').length === 2)
      const wide = tables.filter((table) => table.scrollWidth > table.clientWidth)
      return [tables.length, wide.map((table) => table.textContent.trim().slice(0, 80))]
    })()`)
    t.ok(count > 0, `${path} has such a table`)
    t.strictSame(hidden, [], path)
  }
})
