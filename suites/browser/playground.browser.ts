/** Tests `examples/playground` in Chromium: buttons, keyboard, small screens, other origins. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { startPlayground } from '../../test/fixtures/playground-process.js'
import { collectConsoleErrors, launchChromium } from './fixtures/chromium.js'
import { expectedSteps, PlaygroundPage } from './fixtures/playground-page.js'

const READABILITY = readFileSync(new URL('fixtures/readability.js', import.meta.url), 'utf8')
const PICTURE = new URL('../../docs/playground.png', import.meta.url)

const browser = await launchChromium()
t.teardown(() => browser.close())
const playground = await startPlayground()
t.teardown(() => playground.stop())

async function open(t: Test, options: BrowserContextOptions = {}, url = playground.page) {
  const page = await browser.newPage(options)
  t.teardown(() => page.close())
  const consoleErrors = collectConsoleErrors(page)
  const ui = new PlaygroundPage(page)
  await ui.open(url)
  return { page, ui, consoleErrors }
}

/** Saves a screenshot of the page in the folder `PICTURES`, if that variable is set. */
async function saveScreenshot(page: Page, name: string): Promise<void> {
  const { PICTURES } = process.env
  if (PICTURES !== undefined)
    await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true })
}

t.test('a token from the password grant passes every step', async (t) => {
  const { page, ui, consoleErrors } = await open(t)
  const urls: string[] = []
  page.on('request', (request) => urls.push(request.url()))

  const withoutToken = await ui.press('Call the API')
  t.equal(withoutToken.status, '401 Unauthorized')
  t.strictSame(withoutToken.steps, expectedSteps('credentials'))
  t.match(
    withoutToken.response,
    'WWW-Authenticate: Bearer realm="api"',
    'R6: CORS exposes the challenge',
  )

  t.match(await ui.logIn(), 'Logged in')
  t.match(await ui.text('#token-claims'), '"sub": "testuser1@example.com"')
  const withToken = await ui.press('Call the API')
  t.equal(withToken.status, '200 OK')
  t.strictSame(withToken.steps, expectedSteps())
  t.match(withToken.response, '"for":"testuser1@example.com"')

  t.notOk(
    urls.some((url) => /demo-password|eyJ/.test(url)),
    'no password, no token in a URL',
  )
  const stored = await page.evaluate('localStorage.length + sessionStorage.length')
  t.equal(stored, 0)
  t.equal(await page.evaluate('document.cookie'), '')
  t.strictSame(consoleErrors, [])
})

t.test('reports a wrong password', async (t) => {
  const { ui, page } = await open(t)
  await page.getByLabel('Password').fill('wrong-password')
  const message = await ui.logIn()
  t.match(message, 'invalid_grant')
  t.notMatch(message, 'wrong-password')
})

t.test('each experiment fails at its step', async (t) => {
  const { ui, consoleErrors } = await open(t)
  await ui.logIn()
  await ui.press('Call the API')

  const tampered = await ui.press('Tamper')
  t.equal(tampered.status, '401 Unauthorized')
  t.strictSame(tampered.steps, expectedSteps('signature'))
  t.match(await ui.text('#token-claims'), '"sub": "another-user"')

  const expired = await ui.press('Expire')
  t.equal(expired.status, '401 Unauthorized')
  t.strictSame(expired.steps, expectedSteps('claims'))
  t.match(expired.texts.claims, /expired.*expected.*\dZ \(\d{10}\).*found.*\dZ \(\d{10}\).*to do/)

  const narrowed = await ui.press('Drop a scope')
  t.equal(narrowed.status, '403 Forbidden')
  t.strictSame(narrowed.steps, expectedSteps('scope'))
  t.match(narrowed.response, 'scope="orders:read"')

  const encrypted = await ui.press('Encrypt A token')
  t.equal(encrypted.status, '200 OK')
  t.strictSame(encrypted.steps, expectedSteps())
  t.match(encrypted.texts.decryption, 'decrypted')
  t.match(await ui.text('#token-header'), '"enc": "A256GCM"')
  t.match(await ui.text('#token-claims'), 'Encrypted: neither the client nor this page')

  const forAnotherApi = await ui.press('Wrong recipient')
  t.equal(forAnotherApi.status, '401 Unauthorized')
  t.strictSame(forAnotherApi.steps, expectedSteps('decryption'))
  t.match(forAnotherApi.texts.decryption, /cannot be decrypted.*expected.*to do/)

  const rotated = await ui.press('Rotate keys')
  t.equal(rotated.status, '200 OK')
  t.strictSame(rotated.steps, expectedSteps())
  t.match(rotated.texts.decryption, 'not encrypted')
  t.match(rotated.texts.key, 'fetched for this request')

  // A token is cached after its second verification.
  const sentTwice = await ui.press('Send twice')
  t.equal(sentTwice.status, '200 OK')
  t.match(sentTwice.sentence, 'First 200, then 200')
  t.match(sentTwice.texts.signature, 'cached')
  t.strictSame(consoleErrors, [])
})

t.test(
  'accepts tokens with a cached key during an issuer outage, and rejects a new key with 503',
  async (t) => {
    // Starts a separate process, because the response to an unknown key depends on earlier fetches.
    const separate = await startPlayground()
    t.teardown(() => separate.stop())
    const { ui, consoleErrors } = await open(t, {}, separate.page)
    await ui.logIn()
    await ui.press('Call the API')

    const cachedKey = await ui.press('Take the issuer down')
    t.equal(cachedKey.status, '200 OK')
    t.strictSame(cachedKey.steps, expectedSteps())
    t.match(cachedKey.texts.key, 'the key was cached')
    t.match(cachedKey.texts.signature, /verified$/, 'the token is new to the API')
    t.match(cachedKey.sentence, 'it used a cached key')
    t.equal(await ui.text('#issuer-state'), 'down')
    t.match(await ui.logIn(), 'unreachable')

    const newKey = await ui.press('Rotate keys')
    t.equal(newKey.status, '503 Service Unavailable', 'B9: never 401')
    t.strictSame(newKey.steps, expectedSteps('key'))
    t.match(newKey.response, /Retry-After: \d/)

    let recovered = await ui.press('Bring the issuer back')
    t.equal(await ui.text('#issuer-state'), 'up')
    // Repeats the request, because the back-off delays the next key fetch.
    while (recovered.status.startsWith('503')) recovered = await ui.press('Call the API')
    t.strictSame(recovered.steps, expectedSteps())
    t.strictSame(consoleErrors, [])
  },
)

t.test(
  'the issuer can be brought back after a reload, and repeated clicks rotate keys',
  async (t) => {
    const separate = await startPlayground()
    t.teardown(() => separate.stop())
    const { page, ui, consoleErrors } = await open(t, {}, separate.page)
    await ui.logIn()
    for (let times = 0; times < 12; times++) {
      const rotated = await ui.press('Rotate keys')
      t.equal(rotated.status, '200 OK')
      t.notMatch(rotated.sentence, 'is unavailable')
    }
    await ui.press('Take the issuer down')
    await saveScreenshot(page, 'down')
    await page.reload()
    await ui.waitUntilIdle()
    t.equal(await ui.text('#issuer-state'), 'down')
    t.match(await ui.logIn(), /unreachable.*The issuer is down: bring it back first/)
    await saveScreenshot(page, 'reloaded')
    const recovered = await ui.press('Bring the issuer back')
    t.strictSame(recovered.steps, expectedSteps('credentials'), 'no token yet')
    t.equal(await ui.text('#login-message'), '')
    t.match(await ui.logIn(), 'Logged in')
    t.equal((await ui.press('Call the API')).status, '200 OK')
    await ui.press('Rotate keys')
    await page.reload()
    await ui.waitUntilIdle()
    t.match(await ui.logIn(), 'Logged in')
    t.equal((await ui.press('Call the API')).status, '200 OK')
    await saveScreenshot(page, 'back')
    t.strictSame(consoleErrors, [])
  },
)

t.test('reports that the playground has stopped, and the page stays usable', async (t) => {
  const separate = await startPlayground()
  t.teardown(() => separate.stop())
  const { page, ui } = await open(t, {}, separate.page)
  await ui.logIn()
  await separate.stop()
  for (const button of ['Call the API', 'Rotate keys', 'Log in']) {
    await ui.press(button)
    t.match(await ui.text('#login-message'), /does not respond: restart/, button)
  }
  await saveScreenshot(page, 'ended')
})

t.test('P5: a proof is accepted once, and CORS exposes the nonce of the API', async (t) => {
  const { ui, page, consoleErrors } = await open(t)
  await ui.logIn('DPoP')
  t.match(await ui.text('#token-claims'), '"jkt"')
  const withProof = await ui.press('Call the API')
  t.equal(withProof.status, '200 OK')
  t.match(withProof.texts.binding, 'the proof is valid')
  t.strictSame((await ui.press('Tamper')).steps, expectedSteps('signature'))

  const sentTwice = await ui.press('Send twice')
  t.equal(sentTwice.status, '401 Unauthorized')
  t.match(sentTwice.sentence, 'first 200, then 401')
  t.strictSame(sentTwice.steps, expectedSteps('binding'))
  t.match(sentTwice.texts.binding, 'The DPoP proof was used before')
  t.match(sentTwice.response, 'error="invalid_dpop_proof"')
  t.match(await page.locator('#request').textContent(), 'DPoP: eyJ')
  t.strictSame(consoleErrors, [])
})

t.test('works with the keyboard alone', async (t) => {
  const { page, ui } = await open(t)
  const tabTo = async (name: string) => {
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press('Tab')
      const focused = page.locator(':focus')
      t.not(await focused.evaluate('(element) => getComputedStyle(element).outlineStyle'), 'none')
      if ((await focused.textContent())?.trim() === name) return
    }
    throw new Error(`no Tab leads to ${name}`)
  }
  await tabTo('Log in')
  await page.keyboard.press('Enter')
  await ui.waitUntilIdle()
  await tabTo('Call the API')
  await page.keyboard.press('Enter')
  await ui.waitUntilIdle()
  t.equal((await ui.readResponse()).status, '200 OK')
})

for (const [name, viewport] of [
  ['a phone', { width: 360, height: 740 }],
  ['a desktop', { width: 1100, height: 900 }],
] as const) {
  for (const colorScheme of ['light', 'dark'] as const) {
    t.test(`is readable on ${name}, ${colorScheme}`, async (t) => {
      const { page, ui } = await open(t, { viewport, colorScheme })
      const readable = async () => {
        t.strictSame(await page.evaluate(READABILITY), [])
        t.ok(await page.evaluate('document.scrollingElement.scrollWidth <= innerWidth'))
      }
      await readable()
      await ui.logIn('DPoP')
      await page.getByText('Encoded').click()
      t.equal((await ui.press('Call the API')).status, '200 OK')
      await readable()
      await ui.press('Send twice')
      await readable()
    })
  }
}

/** Returns the positions of elements in the page. */
function boxes(page: Page, selector: string): Promise<{ x: number; y: number; width: number }[]> {
  return page.evaluate(
    `[...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => {
      const { left, top, width } = element.getBoundingClientRect()
      return { x: Math.round(left), y: Math.round(top + scrollY), width }
    })`,
  )
}

t.test('on a phone, each next action follows the previous one', async (t) => {
  const { page, ui } = await open(t, { viewport: { width: 320, height: 740 } })
  const primary = () => page.locator('button.primary').allTextContents()
  t.strictSame(await primary(), ['Log in'])
  await ui.logIn()
  t.strictSame(await primary(), ['Call the API'], 'one primary button')
  const headings = await boxes(page, 'h2')
  t.strictSame(
    headings.map(({ y }) => y),
    headings.map(({ y }) => y).sort((a, b) => a - b),
    'in the order of the document, which the Tab key follows',
  )
  t.equal(await page.locator('h2').nth(1).textContent(), '2 Call the API')
  t.ok(
    Number(headings[1]?.y) - Number(headings[0]?.y) < 740,
    'the next button is at most one screen below',
  )
})

t.test('on a desktop, columns and titles align', async (t) => {
  const { page, ui } = await open(t, { viewport: { width: 1100, height: 960 } })
  await ui.logIn()
  const cards = await boxes(page, '.card')
  const [login, call, response, token] = cards
  t.equal(token?.x, login?.x)
  t.equal(response?.x, call?.x)
  const footer = await boxes(page, 'footer p')
  t.strictSame(
    footer.map(({ x }) => x),
    [login?.x, call?.x],
  )
  const titles = await boxes(page, '.experiments b')
  t.equal(titles.length, 8)
  for (const row of [titles.slice(0, 3), titles.slice(3, 6), titles.slice(6)]) {
    t.equal(new Set(row.map(({ y }) => y)).size, 1)
  }
})

t.test('only a failed step names its outcome, and only failures are red', async (t) => {
  // Starts a separate process, because the page shows the statistics of the API.
  const separate = await startPlayground()
  t.teardown(() => separate.stop())
  const { page, ui } = await open(t, {}, separate.page)
  const shown = async () =>
    (await boxes(page, '.outcome')).flatMap(({ width }, at) => (width > 1 ? [at] : []))
  t.strictSame(await shown(), [], 'nothing was tried')
  t.match(await ui.text('#counts'), 'key sets fetched0')
  await ui.logIn()
  await ui.press('Call the API')
  t.strictSame(await shown(), [], 'every step passed')
  t.match(await ui.text('#counts'), 'key set fetched1')
  await ui.press('Expire')
  t.strictSame(await shown(), [4])
  const color = (selector: string) =>
    page.evaluate(`getComputedStyle(document.querySelector('${selector}')).color`)
  for (const part of ['#token-header', '.raw .first']) {
    t.not(await color(part), await color('.badge.bad'), part)
  }
})

t.test('every control has a name, and responses are announced', async (t) => {
  const { page } = await open(t)
  const unnamedControls = `[...document.querySelectorAll('button, input, select, summary')]
    .filter((control) => !(control.labels?.length || (control.matches('button, summary') && control.innerText)))
    .map((control) => control.outerHTML)`
  t.strictSame(await page.evaluate(unnamedControls), [])
  t.equal(await page.getByRole('status').count(), 2)
  t.equal(await page.getByRole('heading', { level: 1 }).count(), 1)
})

t.test('R6: a script of another origin cannot call the API', async (t) => {
  const attacker = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>attacker</title>')
  })
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve))
  t.teardown(() => attacker.close())
  const page = await browser.newPage()
  t.teardown(() => page.close())
  await page.goto(`http://127.0.0.1:${(attacker.address() as AddressInfo).port}/`)
  const attempt = (headers: object) =>
    page.evaluate<string>(
      `fetch('${playground.api}/me', { headers: ${JSON.stringify(headers)} }).then(() => 'read', () => 'blocked')`,
    )
  t.equal(await attempt({}), 'blocked', 'a response')
  t.equal(await attempt({ authorization: 'Bearer a.b.c' }), 'blocked', 'a preflight')
  // The server of the page also rejects a script of another origin.
  await page.evaluate(
    `fetch('${playground.page}/issuer', { method: 'POST', mode: 'no-cors', body: '{"up":false}' })`,
  )
  const { ui } = await open(t)
  t.equal(await ui.text('#issuer-state'), 'up')
})

t.test('the screenshot of the playground is suitable for the README', async (t) => {
  const { page, ui } = await open(t, { viewport: { width: 1100, height: 960 } })
  await ui.logIn()
  await ui.press('Call the API')
  await ui.press('Tamper')
  await page.evaluate('document.activeElement.blur()')
  await page.evaluate('scrollTo(0, 0)')
  await page.mouse.move(0, 0)
  const screenshot = await page.screenshot({ animations: 'disabled' })
  t.ok(screenshot.length < 200 * 1024, `${screenshot.length} bytes`)
  if (process.env.SCREENSHOT === 'write') writeFileSync(PICTURE, screenshot)
})
