/** `examples/playground` in Chromium: each button, the keyboard, small screens, other origins. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { startPlayground } from '../../test/fixtures/playground-process.js'
import { complaintsOf, launchChromium } from './fixtures/chromium.js'
import { failedAt, PlaygroundPage } from './fixtures/playground-page.js'

const READABILITY = readFileSync(new URL('fixtures/readability.js', import.meta.url), 'utf8')
const PICTURE = new URL('../../docs/playground.png', import.meta.url)

const browser = await launchChromium()
t.teardown(() => browser.close())
const playground = await startPlayground()
t.teardown(() => playground.stop())

async function open(t: Test, options: BrowserContextOptions = {}, url = playground.page) {
  const page = await browser.newPage(options)
  t.teardown(() => page.close())
  const complaints = complaintsOf(page)
  const ui = new PlaygroundPage(page)
  await ui.open(url)
  return { page, ui, complaints }
}

/** Saves a screenshot of the state in the folder `PICTURES`, if set. */
async function picture(page: Page, name: string): Promise<void> {
  const { PICTURES } = process.env
  if (PICTURES !== undefined)
    await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true })
}

t.test('a token from the password grant passes every step', async (t) => {
  const { page, ui, complaints } = await open(t)
  const urls: string[] = []
  page.on('request', (request) => urls.push(request.url()))

  const without = await ui.press('Call the API')
  t.equal(without.status, '401 Unauthorized')
  t.strictSame(without.steps, failedAt('credentials'))
  t.match(
    without.response,
    'WWW-Authenticate: Bearer realm="api"',
    'R6: CORS exposes the challenge',
  )

  t.match(await ui.logIn(), 'Logged in')
  t.match(await ui.text('#token-claims'), '"sub": "testuser1@example.com"')
  const answer = await ui.press('Call the API')
  t.equal(answer.status, '200 OK')
  t.strictSame(answer.steps, failedAt())
  t.match(answer.response, '"for":"testuser1@example.com"')

  t.notOk(
    urls.some((url) => /demo-password|eyJ/.test(url)),
    'no password, no token in a URL',
  )
  const stored = await page.evaluate('localStorage.length + sessionStorage.length')
  t.equal(stored, 0)
  t.equal(await page.evaluate('document.cookie'), '')
  t.strictSame(complaints, [])
})

t.test('reports a wrong password', async (t) => {
  const { ui, page } = await open(t)
  await page.getByLabel('Password').fill('wrong-password')
  const message = await ui.logIn()
  t.match(message, 'invalid_grant')
  t.notMatch(message, 'wrong-password')
})

t.test('each experiment fails at its step', async (t) => {
  const { ui, complaints } = await open(t)
  await ui.logIn()
  await ui.press('Call the API')

  const tampered = await ui.press('Tamper')
  t.equal(tampered.status, '401 Unauthorized')
  t.strictSame(tampered.steps, failedAt('signature'))
  t.match(await ui.text('#token-claims'), '"sub": "another-user"')

  const expired = await ui.press('Expire')
  t.equal(expired.status, '401 Unauthorized')
  t.strictSame(expired.steps, failedAt('claims'))
  t.match(expired.texts.claims, /expired.*expected.*found.*to do/)

  const narrow = await ui.press('Drop a scope')
  t.equal(narrow.status, '403 Forbidden')
  t.strictSame(narrow.steps, failedAt('scope'))
  t.match(narrow.response, 'scope="orders:read"')

  const rotated = await ui.press('Rotate keys')
  t.equal(rotated.status, '200 OK')
  t.strictSame(rotated.steps, failedAt())
  t.match(rotated.texts.key, 'fetched for this request')

  // A token is cached after its second verification.
  const twice = await ui.press('Send twice')
  t.equal(twice.status, '200 OK')
  t.match(twice.sentence, 'First 200, then 200')
  t.match(twice.texts.signature, 'cached')
  t.strictSame(complaints, [])
})

t.test(
  'cached keys verify tokens during an outage of the issuer; a new key gets 503',
  async (t) => {
    // A separate process, because the response to an unknown key depends on earlier fetches.
    const another = await startPlayground()
    t.teardown(() => another.stop())
    const { ui, complaints } = await open(t, {}, another.page)
    await ui.logIn()
    await ui.press('Call the API')

    const known = await ui.press('Take the issuer down')
    t.equal(known.status, '200 OK')
    t.strictSame(known.steps, failedAt())
    t.equal(await ui.text('#issuer-state'), 'down')
    t.match(await ui.logIn(), 'unreachable')

    const unknown = await ui.press('Rotate keys')
    t.equal(unknown.status, '503 Service Unavailable', 'B9: and never 401')
    t.strictSame(unknown.steps, failedAt('key'))
    t.match(unknown.response, /Retry-After: \d/)

    let recovered = await ui.press('Bring the issuer back')
    t.equal(await ui.text('#issuer-state'), 'up')
    // The back-off spaces key fetches, so that success may take a few requests.
    while (recovered.status.startsWith('503')) recovered = await ui.press('Call the API')
    t.strictSame(recovered.steps, failedAt())
    t.strictSame(complaints, [])
  },
)

t.test(
  'the issuer can be brought back after a reload, and repeated clicks rotate keys',
  async (t) => {
    const another = await startPlayground()
    t.teardown(() => another.stop())
    const { page, ui, complaints } = await open(t, {}, another.page)
    await ui.logIn()
    for (let times = 0; times < 12; times++) {
      const rotated = await ui.press('Rotate keys')
      t.equal(rotated.status, '200 OK')
      t.notMatch(rotated.sentence, 'is unavailable')
    }
    await ui.press('Take the issuer down')
    await picture(page, 'down')
    await page.reload()
    await ui.settle()
    t.equal(await ui.text('#issuer-state'), 'down')
    t.match(await ui.logIn(), /unreachable.*The issuer is down: bring it back first/)
    await picture(page, 'reloaded')
    const back = await ui.press('Bring the issuer back')
    t.strictSame(back.steps, failedAt('credentials'), 'no token yet')
    t.equal(await ui.text('#login-message'), '')
    t.match(await ui.logIn(), 'Logged in')
    t.equal((await ui.press('Call the API')).status, '200 OK')
    await ui.press('Rotate keys')
    await page.reload()
    await ui.settle()
    t.match(await ui.logIn(), 'Logged in')
    t.equal((await ui.press('Call the API')).status, '200 OK')
    await picture(page, 'back')
    t.strictSame(complaints, [])
  },
)

t.test('reports that the playground has stopped, and stays usable', async (t) => {
  const another = await startPlayground()
  t.teardown(() => another.stop())
  const { page, ui } = await open(t, {}, another.page)
  await ui.logIn()
  await another.stop()
  for (const button of ['Call the API', 'Rotate keys', 'Log in']) {
    await ui.press(button)
    t.match(await ui.text('#login-message'), /does not respond: restart/, button)
  }
  await picture(page, 'ended')
})

t.test('P5: a proof is accepted once, and CORS exposes the nonce of the API', async (t) => {
  const { ui, page, complaints } = await open(t)
  await ui.logIn('DPoP')
  t.match(await ui.text('#token-claims'), '"jkt"')
  const proven = await ui.press('Call the API')
  t.equal(proven.status, '200 OK')
  t.match(proven.texts.binding, 'the proof is valid')
  t.strictSame((await ui.press('Tamper')).steps, failedAt('signature'))

  const twice = await ui.press('Send twice')
  t.equal(twice.status, '401 Unauthorized')
  t.match(twice.sentence, 'first 200, then 401')
  t.strictSame(twice.steps, failedAt('binding'))
  t.match(twice.texts.binding, 'The DPoP proof was used before')
  t.match(twice.response, 'error="invalid_dpop_proof"')
  t.match(await page.locator('#request').textContent(), 'DPoP: eyJ')
  t.strictSame(complaints, [])
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
  await ui.settle()
  await tabTo('Call the API')
  await page.keyboard.press('Enter')
  await ui.settle()
  t.equal((await ui.shown()).status, '200 OK')
})

for (const [name, viewport] of [
  ['a phone', { width: 360, height: 740 }],
  ['a desk', { width: 1100, height: 900 }],
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

t.test('every control has a name, and responses are announced', async (t) => {
  const { page } = await open(t)
  const nameless = `[...document.querySelectorAll('button, input, select, summary')]
    .filter((control) => !(control.labels?.length || (control.matches('button, summary') && control.innerText)))
    .map((control) => control.outerHTML)`
  t.strictSame(await page.evaluate(nameless), [])
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
  // The server of the page rejects a script of another origin as well.
  await page.evaluate(
    `fetch('${playground.page}/issuer', { method: 'POST', mode: 'no-cors', body: '{"up":false}' })`,
  )
  const { ui } = await open(t)
  t.equal(await ui.text('#issuer-state'), 'up')
})

t.test('its screenshot is suitable for the README', async (t) => {
  const { page, ui } = await open(t, { viewport: { width: 1100, height: 960 } })
  await ui.logIn()
  await ui.press('Call the API')
  await ui.press('Tamper')
  await page.evaluate('document.activeElement.blur()')
  await page.evaluate('scrollTo(0, 0)')
  await page.mouse.move(0, 0)
  const picture = await page.screenshot({ animations: 'disabled' })
  t.ok(picture.length < 200 * 1024, `${picture.length} bytes`)
  if (process.env.SCREENSHOT === 'write') writeFileSync(PICTURE, picture)
})
