/**
 * Tests the pages of the embedded authorization server in Chromium: small and large screens, light
 * and dark, keyboard only, and the redirects that its Content-Security-Policy must allow.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { authorizationUrl, pkce, redeem } from '../../test/testing/fixtures/authorization.js'
import { collectConsoleErrors, launchChromium } from './fixtures/chromium.js'

const READABILITY = readFileSync(new URL('fixtures/readability.js', import.meta.url), 'utf8')
const LONG_NAME = `a-user-with-a-very-long-name-${'x'.repeat(40)}@example.com`

const browser = await launchChromium()
t.teardown(() => browser.close())

/** The client: its page shows the parameters of the response. */
const client = createServer((request, response) => {
  response.setHeader('content-type', 'text/html')
  response.end(`<title>client</title><link rel="icon" href="data:,"><p>${request.method}</p>`)
})
await new Promise<void>((resolve) => client.listen(0, '127.0.0.1', resolve))
t.teardown(() => client.close())
const { port } = client.address() as AddressInfo
const redirect_uri = `http://127.0.0.1:${port}/callback`

const server = await createAuthorizationServer({
  algorithm: 'ES256',
  users: [
    {
      username: 'ada',
      password: 'demo-password',
      claims: { groups: ['Admins', 'Staff'], tenant: 'acme' },
    },
    { username: 'bob', password: 'demo-password', claims: { roles: ['editor'] } },
    { username: LONG_NAME, password: 'demo-password' },
    { username: 'carol', password: 'her own password' },
  ],
  clients: [{ clientId: 'app', name: 'Orders app', redirectUris: [redirect_uri] }],
})
t.teardown(() => server.close())

function requestUrl(parameters: Record<string, string> = {}) {
  const { verifier, challenge } = pkce()
  const scope = 'openid profile offline_access orders:read'
  const all = { redirect_uri, scope, ...parameters }
  return { verifier, url: authorizationUrl(server.authorizationEndpoint, challenge, all) }
}

/** Registers a client as an editor does, and returns its id. */
async function register(uri: string): Promise<string> {
  const metadata = {
    redirect_uris: [uri],
    token_endpoint_auth_method: 'none',
    client_name: 'Editor',
  }
  const response = await fetch(server.registrationEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  })
  return ((await response.json()) as { client_id: string }).client_id
}

async function open(t: Test, options: BrowserContextOptions, url: string) {
  const page = await browser.newPage(options)
  t.teardown(() => page.close())
  page.setDefaultTimeout(60_000)
  const consoleErrors = collectConsoleErrors(page)
  await page.goto(url)
  return { page, consoleErrors }
}

/** Checks that the page can be read and operated on this screen. */
async function checkPage(t: Test, page: Page, name: string, width: number) {
  const { PICTURES } = process.env
  if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/${name}.png` })
  t.strictSame(await page.evaluate(READABILITY), [], `${name}: size and contrast of all text`)
  const scrolled = await page.evaluate('document.documentElement.scrollWidth')
  t.ok((scrolled as number) <= width, `${name}: no horizontal scrolling, ${scrolled} px`)
  for (const button of await page.getByRole('button').all()) {
    const box = await button.boundingBox()
    t.ok(box !== null && box.height >= 44, `${name}: ${box?.height} px`)
  }
}

for (const width of [320, 768, 1440]) {
  for (const colorScheme of ['light', 'dark'] as const) {
    t.test(`readable at ${width} px, ${colorScheme}`, async (t) => {
      const options = { viewport: { width, height: 800 }, colorScheme }
      const { url } = requestUrl({
        resource: 'https://api.example.com/a/long/path/of/an/mcp/server',
      })
      const { page, consoleErrors } = await open(t, options, url)
      const name = (title: string) => `${title}-${width}-${colorScheme}`
      await checkPage(t, page, name('login'), width)
      await page.getByLabel('User name').fill('carol')
      await page.getByLabel('Password').fill('wrong')
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByRole('alert').waitFor()
      await checkPage(t, page, name('login-failed'), width)
      await page.getByRole('button', { name: 'ada' }).click()
      await page.getByRole('button', { name: 'Allow' }).waitFor()
      await checkPage(t, page, name('consent'), width)
      const client_id = await register(redirect_uri)
      await page.goto(requestUrl({ client_id }).url)
      await page.getByText('This client registered itself').waitFor()
      await checkPage(t, page, name('consent-registered'), width)
      await page.goto(server.endSessionEndpoint)
      await checkPage(t, page, name('logout'), width)
      await page.getByRole('button', { name: 'Log out' }).click()
      await page.getByRole('heading', { name: 'Logged out' }).waitFor()
      await checkPage(t, page, name('logged-out'), width)
      await page.goto(requestUrl({ redirect_uri: 'https://evil.example/callback' }).url)
      await checkPage(t, page, name('error'), width)
      t.strictSame(consoleErrors, [])
    })
  }
}

t.test('a user logs in and allows the access with the keyboard only', async (t) => {
  const { url, verifier } = requestUrl()
  const { page, consoleErrors } = await open(t, {}, url)
  const focused = () =>
    page.evaluate<[string, boolean]>(
      '[document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle !== "none"]',
    )
  await page.keyboard.press('Tab')
  const [first, isVisible] = await focused()
  t.match(first, 'ada')
  t.ok(isVisible, 'the focus is visible')
  await page.keyboard.press('Tab')
  t.match((await focused())[0], 'bob')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Allow' }).waitFor()
  const order: string[] = []
  for (let i = 0; i < 3; i += 1) {
    await page.keyboard.press('Tab')
    const [text, isOutlined] = await focused()
    order.push(text)
    t.ok(isOutlined)
  }
  t.strictSame(order, ['Use another user', 'Deny', 'Allow'])
  await page.keyboard.press('Enter')
  await page.waitForURL(`${redirect_uri}?*`)
  t.equal(await page.textContent('p'), 'GET', 'RFC 9700 §4.12')
  const code = new URL(page.url()).searchParams.get('code')
  const { status } = await redeem(server.tokenEndpoint, code, verifier, { redirect_uri })
  t.equal(status, 200)

  await page.goto(requestUrl({ prompt: 'login' }).url)
  await page.getByLabel('User name').focus()
  await page.keyboard.type('carol')
  await page.keyboard.press('Tab')
  await page.keyboard.type('her own password')
  await page.keyboard.press('Enter')
  await page.getByText('carol').waitFor()
  t.strictSame(consoleErrors, [])
})

t.test('the policy of the pages lets every registered redirect URI be reached', async (t) => {
  const other = createServer((_request, response) => response.end('<p>reached</p>'))
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const { port: otherPort } = other.address() as AddressInfo
  for (const host of ['localhost', '127.0.0.1']) {
    const uri = `http://${host}:${otherPort}/callback`
    const client_id = await register(uri)
    const { page } = await open(t, {}, requestUrl({ client_id, redirect_uri: uri }).url)
    await page.getByRole('button', { name: 'ada' }).click()
    await page.getByText('This client registered itself').waitFor()
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.waitForURL(`${uri}?error=access_denied&*`)
    await page.context().clearCookies()
  }
})

t.test('a page of another origin can neither log a user in nor frame the pages', async (t) => {
  const { url } = requestUrl()
  const { page } = await open(t, {}, url)
  const form = await page.evaluate<string>('document.forms[0].outerHTML')
  // The attacker even has a form of this browser.
  const attacker = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    const action = `action="${server.authorizationEndpoint}/login"`
    response.end(
      `<iframe src="${url.replaceAll('&', '&amp;')}"></iframe>${form.replace(/action="[^"]*"/, action)}`,
    )
  })
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve))
  t.teardown(() => attacker.close())
  const { port: attackerPort } = attacker.address() as AddressInfo
  for (const host of ['127.0.0.1', 'localhost']) {
    await page.goto(`http://${host}:${attackerPort}/`)
    const frame = page.frames()[1]
    t.notMatch(await frame?.content().catch(() => ''), 'Log in', 'the frame stays empty')
    await page.getByRole('button', { name: 'ada' }).click()
    await page.getByText('Start again').waitFor()
    await page.goto(url)
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
  }
})
