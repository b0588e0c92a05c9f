/** `examples/playground` in a Chromium: each button, the keyboard, a phone, and other origins. */
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
  const own = new PlaygroundPage(page)
  await own.open(url)
  return { page, own, complaints }
}

/** For people who look at each state: `PICTURES` names a folder. */
async function picture(page: Page, name: string): Promise<void> {
  const { PICTURES } = process.env
  if (PICTURES !== undefined)
    await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true })
}

t.test('a token from the password grant passes every step', async (t) => {
  const { page, own, complaints } = await open(t)
  const urls: string[] = []
  page.on('request', (request) => urls.push(request.url()))

  const without = await own.press('Call the API')
  t.equal(without.status, '401 Unauthorized')
  t.strictSame(without.steps, failedAt('credentials'))
  t.match(without.response, 'WWW-Authenticate: Bearer realm="api"', 'R6: it can be read')

  t.match(await own.logIn(), 'Logged in')
  t.match(await own.text('#token-claims'), '"sub": "testuser1@example.com"')
  const answer = await own.press('Call the API')
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

t.test('a wrong password is said to be one', async (t) => {
  const { own, page } = await open(t)
  await page.getByLabel('Password').fill('wrong-password')
  const said = await own.logIn()
  t.match(said, 'invalid_grant')
  t.notMatch(said, 'wrong-password')
})

t.test('each experiment ends at the step that it is about', async (t) => {
  const { own, complaints } = await open(t)
  await own.logIn()
  await own.press('Call the API')

  const tampered = await own.press('Tamper')
  t.equal(tampered.status, '401 Unauthorized')
  t.strictSame(tampered.steps, failedAt('signature'))
  t.match(await own.text('#token-claims'), '"sub": "another-user"')

  const expired = await own.press('Expire')
  t.equal(expired.status, '401 Unauthorized')
  t.strictSame(expired.steps, failedAt('claims'))
  t.match(expired.texts.claims, /expired.*expected.*found.*to do/)

  const narrow = await own.press('Drop a scope')
  t.equal(narrow.status, '403 Forbidden')
  t.strictSame(narrow.steps, failedAt('scope'))
  t.match(narrow.response, 'scope="orders:read"')

  const rotated = await own.press('Rotate keys')
  t.equal(rotated.status, '200 OK')
  t.strictSame(rotated.steps, failedAt())
  t.match(rotated.texts.key, 'fetched for this request')

  // The first sight of a token, and the second, are verified; from then on it is remembered.
  const twice = await own.press('Send twice')
  t.equal(twice.status, '200 OK')
  t.match(twice.sentence, 'First 200, then 200')
  t.match(twice.texts.signature, 'cached')
  t.strictSame(complaints, [])
})

t.test('an outage of the issuer costs nothing, until a key is new', async (t) => {
  // Of its own: what an unknown key is answered depends on when there was one before.
  const another = await startPlayground()
  t.teardown(() => another.stop())
  const { own, complaints } = await open(t, {}, another.page)
  await own.logIn()
  await own.press('Call the API')

  const known = await own.press('Take the issuer down')
  t.equal(known.status, '200 OK')
  t.strictSame(known.steps, failedAt())
  t.equal(await own.text('#issuer-state'), 'down')
  t.match(await own.logIn(), 'unreachable')

  const unknown = await own.press('Rotate keys')
  t.equal(unknown.status, '503 Service Unavailable', 'B9: and never 401')
  t.strictSame(unknown.steps, failedAt('key'))
  t.match(unknown.response, /Retry-After: \d/)

  let healed = await own.press('Bring the issuer back')
  t.equal(await own.text('#issuer-state'), 'up')
  // Attempts are spaced, so that a good answer may take a few requests.
  while (healed.status.startsWith('503')) healed = await own.press('Call the API')
  t.strictSame(healed.steps, failedAt())
  t.strictSame(complaints, [])
})

t.test(
  'after a reload the issuer can be brought back, and keys rotate as fast as one clicks',
  async (t) => {
    const another = await startPlayground()
    t.teardown(() => another.stop())
    const { page, own, complaints } = await open(t, {}, another.page)
    await own.logIn()
    for (let times = 0; times < 12; times++) {
      const rotated = await own.press('Rotate keys')
      t.equal(rotated.status, '200 OK')
      t.notMatch(rotated.sentence, 'is unavailable')
    }
    await own.press('Take the issuer down')
    await picture(page, 'down')
    await page.reload()
    await own.settle()
    t.equal(await own.text('#issuer-state'), 'down')
    t.match(await own.logIn(), /unreachable.*The issuer is down: bring it back first/)
    await picture(page, 'reloaded')
    const back = await own.press('Bring the issuer back')
    t.strictSame(back.steps, failedAt('credentials'), 'there is no token yet')
    t.equal(await own.text('#login-message'), '')
    t.match(await own.logIn(), 'Logged in')
    t.equal((await own.press('Call the API')).status, '200 OK')
    await own.press('Rotate keys')
    await page.reload()
    await own.settle()
    t.match(await own.logIn(), 'Logged in')
    t.equal((await own.press('Call the API')).status, '200 OK')
    await picture(page, 'back')
    t.strictSame(complaints, [])
  },
)

t.test('an end of the playground is told, and leaves the page usable', async (t) => {
  const another = await startPlayground()
  t.teardown(() => another.stop())
  const { page, own } = await open(t, {}, another.page)
  await own.logIn()
  await another.stop()
  for (const button of ['Call the API', 'Rotate keys', 'Log in']) {
    await own.press(button)
    t.match(await own.text('#login-message'), /does not respond: restart/, button)
  }
  await picture(page, 'ended')
})

t.test('P5: a proof passes once, and the nonce of the API can be read', async (t) => {
  const { own, page, complaints } = await open(t)
  await own.logIn('DPoP')
  t.match(await own.text('#token-claims'), '"jkt"')
  const proven = await own.press('Call the API')
  t.equal(proven.status, '200 OK')
  t.match(proven.texts.binding, 'the proof is valid')
  t.strictSame((await own.press('Tamper')).steps, failedAt('signature'))

  const twice = await own.press('Send twice')
  t.equal(twice.status, '401 Unauthorized')
  t.match(twice.sentence, 'first 200, then 401')
  t.strictSame(twice.steps, failedAt('binding'))
  t.match(twice.texts.binding, 'The DPoP proof was used before')
  t.match(twice.response, 'error="invalid_dpop_proof"')
  t.match(await page.locator('#request').textContent(), 'DPoP: eyJ')
  t.strictSame(complaints, [])
})

t.test('a keyboard is enough', async (t) => {
  const { page, own } = await open(t)
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
  await own.settle()
  await tabTo('Call the API')
  await page.keyboard.press('Enter')
  await own.settle()
  t.equal((await own.shown()).status, '200 OK')
})

for (const [name, viewport] of [
  ['a phone', { width: 360, height: 740 }],
  ['a desk', { width: 1100, height: 900 }],
] as const) {
  for (const colorScheme of ['light', 'dark'] as const) {
    t.test(`it is readable on ${name}, ${colorScheme}`, async (t) => {
      const { page, own } = await open(t, { viewport, colorScheme })
      const readable = async () => {
        t.strictSame(await page.evaluate(READABILITY), [])
        t.ok(await page.evaluate('document.scrollingElement.scrollWidth <= innerWidth'))
      }
      await readable()
      await own.logIn('DPoP')
      await page.getByText('Encoded').click()
      t.equal((await own.press('Call the API')).status, '200 OK')
      await readable()
      await own.press('Send twice')
      await readable()
    })
  }
}

t.test('every control has a name, and the answer is announced', async (t) => {
  const { page } = await open(t)
  const nameless = `[...document.querySelectorAll('button, input, select, summary')]
    .filter((one) => !(one.labels?.length || (one.matches('button, summary') && one.innerText)))
    .map((one) => one.outerHTML)`
  t.strictSame(await page.evaluate(nameless), [])
  t.equal(await page.getByRole('status').count(), 2)
  t.equal(await page.getByRole('heading', { level: 1 }).count(), 1)
})

t.test('R6: a script of another origin gets nothing from the API', async (t) => {
  const stranger = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>stranger</title>')
  })
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
  t.teardown(() => stranger.close())
  const page = await browser.newPage()
  t.teardown(() => page.close())
  await page.goto(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}/`)
  const attempt = (headers: object) =>
    page.evaluate<string>(
      `fetch('${playground.api}/me', { headers: ${JSON.stringify(headers)} }).then(() => 'read', () => 'refused')`,
    )
  t.equal(await attempt({}), 'refused', 'an answer')
  t.equal(await attempt({ authorization: 'Bearer a.b.c' }), 'refused', 'a preflight')
  // Nor does the page's own server do what a stranger's script says.
  await page.evaluate(
    `fetch('${playground.page}/issuer', { method: 'POST', mode: 'no-cors', body: '{"up":false}' })`,
  )
  const { own } = await open(t)
  t.equal(await own.text('#issuer-state'), 'up')
})

t.test('its picture is fit for the README', async (t) => {
  const { page, own } = await open(t, { viewport: { width: 1100, height: 960 } })
  await own.logIn()
  await own.press('Call the API')
  await own.press('Tamper')
  await page.evaluate('document.activeElement.blur()')
  await page.evaluate('scrollTo(0, 0)')
  await page.mouse.move(0, 0)
  const picture = await page.screenshot({ animations: 'disabled' })
  t.ok(picture.length < 200 * 1024, `${picture.length} bytes`)
  if (process.env.SCREENSHOT === 'write') writeFileSync(PICTURE, picture)
})
