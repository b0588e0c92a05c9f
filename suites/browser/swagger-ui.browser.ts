/**
 * Tests that the Swagger UI of `examples/openapi` sends the token that the user pastes, and that
 * Swagger UI logs a user in at the embedded authorization server, as docs/openapi.md describes.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, { openapiTransform } from '../../src/index.js'
import { createAuthorizationServer, testClient, testUser } from '../../src/testing/index.js'
import { freePort } from '../../test/fixtures/free-port.js'
import { launchChromium } from './fixtures/chromium.js'

const example = fileURLToPath(new URL('../../.build/examples/openapi.js', import.meta.url))

const browser = await launchChromium()
t.teardown(() => browser.close())

t.test('Swagger UI sends the pasted token', async (t) => {
  const { docs, token } = await startExample(t)
  const page = await browser.newPage()
  page.setDefaultTimeout(60_000)
  await page.goto(docs)

  const tryOrders = async () => {
    const operation = page.locator('.opblock', { hasText: '/orders' }).first()
    const execute = operation.getByRole('button', { name: 'Execute' })
    if (!(await execute.isVisible())) {
      await operation.locator('.opblock-summary-control').click()
      await operation.getByRole('button', { name: 'Try it out' }).click()
    }
    const pending = page.waitForResponse((response) => response.url().endsWith('/orders'))
    await execute.click()
    const response = await pending
    return { status: response.status(), headers: await response.request().allHeaders() }
  }

  const withoutToken = await tryOrders()
  t.equal(withoutToken.status, 401)
  t.notOk('authorization' in withoutToken.headers)

  await page.locator('.auth-wrapper').getByRole('button', { name: 'Authorize' }).click()
  const dialog = page.locator('.modal-ux')
  await dialog.locator('input').fill(token)
  await dialog.getByRole('button', { name: 'Apply credentials' }).click()
  await dialog.getByRole('button', { name: 'Close' }).last().click()

  const withToken = await tryOrders()
  t.equal(withToken.status, 200)
  t.equal(withToken.headers.authorization, `Bearer ${token}`)
})

t.test('Authorize logs a user in at the embedded server, and sends the token', async (t) => {
  const port = await freePort()
  const api = `http://127.0.0.1:${port}`
  const server = await createAuthorizationServer({
    algorithm: 'ES256',
    clients: [
      testClient,
      { clientId: 'demo-app', redirectUris: [`${api}/docs/static/oauth2-redirect.html`] },
    ],
  })
  t.teardown(() => server.close())
  const app = Fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Orders', version: '1.0.0' } },
    transform: openapiTransform(app),
  })
  await app.register(async (pages) => {
    pages.addHook('onRoute', (route) => {
      route.config = { ...route.config, auth: false }
    })
    await pages.register(swaggerUi, {
      routePrefix: '/docs',
      initOAuth: { clientId: 'demo-app', usePkceWithAuthorizationCodeGrant: true },
    })
  })
  await app.register(resourceServer, { issuer: server.issuer, audience: 'api://default' })
  app.get('/orders', { config: { auth: { scope: 'orders:read' } } }, async () => [])
  await app.listen({ host: '127.0.0.1', port })

  const page = await browser.newPage()
  page.setDefaultTimeout(60_000)
  await page.goto(`${api}/docs`)
  await page.locator('.auth-wrapper').getByRole('button', { name: 'Authorize' }).click()
  const flow = page.locator('.auth-container', { hasText: 'authorization_code' }).first()
  await flow.locator('[for^="orders:read"]').click()
  const opened = page.waitForEvent('popup')
  await flow.locator('button.authorize').click()
  const login = await opened
  await login.getByRole('button', { name: testUser.username }).click()
  await login.getByRole('button', { name: 'Allow' }).click()
  await flow.getByText('Logout').waitFor()
  await page.getByRole('button', { name: 'Close' }).last().click()

  const operation = page.locator('.opblock', { hasText: '/orders' }).first()
  await operation.locator('.opblock-summary-control').click()
  await operation.getByRole('button', { name: 'Try it out' }).click()
  const pending = page.waitForResponse((response) => response.url().endsWith('/orders'))
  await operation.getByRole('button', { name: 'Execute' }).click()
  t.equal((await pending).status(), 200)
})

/** Starts the example on a free port, and retries on another port if the first port is in use. */
async function startExample(t: Test): Promise<{ docs: string; token: string }> {
  for (;;) {
    const { PATH = '' } = process.env
    const child = spawn(process.execPath, [example], {
      env: { PATH, PORT: String(await freePort()) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const stderrChunks: string[] = []
    child.stderr.setEncoding('utf8').on('data', (text) => stderrChunks.push(text))
    let docs = ''
    for await (const line of createInterface(child.stdout)) {
      docs ||= /^Open (\S+),/.exec(line)?.[1] ?? ''
      if (!line.startsWith('eyJ')) continue
      t.teardown(() => child.kill())
      return { docs, token: line }
    }
    if (!stderrChunks.join('').includes('EADDRINUSE')) throw new Error(stderrChunks.join(''))
  }
}
