/** `examples/playground` without a browser: origins, CORS and steps. suites/browser has the rest. */
import t from 'tap'
import { testUser } from '../../src/testing/index.js'
import { type Playground, startPlayground } from '../fixtures/playground-process.js'
import { rawRequest } from '../fixtures/raw-http.js'

const { page, api, stop }: Playground = await startPlayground()
t.teardown(() => stop())

const credentials = { ...testUser, scope: 'openid orders:read', type: 'Bearer' }

function post(path: string, body: object, origin = page): Promise<Response> {
  return fetch(`${page}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify(body),
  })
}

function call(origin: string, headers: Record<string, string> = {}, method = 'GET') {
  return fetch(`${api}/orders`, { method, headers: { ...headers, origin } })
}

/** Returns the steps in the form `claims failed`. */
async function stepsOf(response: Response): Promise<string[]> {
  const detail = await fetch(`${page}/calls/${response.headers.get('x-request-id')}`)
  const steps = (await detail.json()) as { name: string; outcome: string }[]
  return steps.map(({ name, outcome }) => `${name} ${outcome}`)
}

const allowed = (response: Response) => response.headers.get('access-control-allow-origin')

t.test('the page loads nothing from other origins, and may connect only to the API', async (t) => {
  const html = await fetch(page)
  t.equal(html.status, 200)
  const policy = html.headers.get('content-security-policy') ?? ''
  t.match(policy, "default-src 'none'; script-src 'self'; style-src 'self'")
  t.match(policy, `connect-src 'self' ${api};`)
  t.notMatch(policy, 'unsafe')
  const files = [...(await html.text()).matchAll(/(?:href|src)="([^"]+)"/g)]
  t.equal(files.length, 4)
  for (const [, file = ''] of files) {
    t.equal((await fetch(new URL(file, page))).status, 200, file)
  }
})

t.test('the server of the page rejects requests from other origins', async (t) => {
  const loggedIn = await post('/login', credentials)
  t.equal(loggedIn.status, 200)
  t.equal(loggedIn.headers.get('cache-control'), 'no-store')
  const wrong = await post('/login', { ...credentials, password: 'wrong' })
  t.equal(wrong.status, 400)
  t.match(await wrong.json(), { error: 'invalid_grant' })
  t.equal((await post('/login', credentials, 'https://attacker.example')).status, 403)
  t.equal((await post('/issuer', { up: false }, 'null')).status, 403)
  const port = Number(new URL(page).port)
  t.equal((await rawRequest(port, {})).status, 421, 'a foreign name for this address')
  const local = await fetch(page.replace('127.0.0.1', 'localhost'), { redirect: 'manual' })
  t.strictSame([local.status, local.headers.get('location')], [302, `${page}/`])
})

t.test('R6: CORS allows only the page, and preflights without a token', async (t) => {
  const preflightHeaders = { 'access-control-request-method': 'GET' }
  const preflight = await call(page, preflightHeaders, 'OPTIONS')
  t.equal(preflight.status, 204)
  t.equal(allowed(preflight), page)
  t.equal(preflight.headers.get('access-control-allow-headers'), 'Authorization, DPoP')
  t.equal(allowed(await call('https://attacker.example', preflightHeaders, 'OPTIONS')), null)

  const rejected = await call(page)
  t.equal(rejected.status, 401)
  t.equal(allowed(rejected), page)
  t.match(rejected.headers.get('access-control-expose-headers'), 'WWW-Authenticate, DPoP-Nonce')
  t.equal(allowed(await call('https://attacker.example')), null)
})

t.test('the steps show the result of the request', async (t) => {
  const { token } = (await (await post('/login', credentials)).json()) as { token: string }
  const valid = await call(page, { authorization: `Bearer ${token}` })
  t.equal(valid.status, 200)
  t.ok((await stepsOf(valid)).every((step) => step.endsWith(' passed')))

  const malformed = await call(page, { authorization: 'Bearer a.b.c' })
  t.equal(malformed.status, 401)
  const steps = ['credentials passed', 'token failed', 'decryption not reached']
  t.strictSame((await stepsOf(malformed)).slice(0, 3), steps)

  // Expired, with an invalid signature: rejected before a key is looked up.
  const claims = { variant: 'expired', scope: 'openid', type: 'Bearer' }
  const expired = (await (await post('/tokens', claims)).json()) as { token: string }
  const both = `${expired.token.split('.').slice(0, 2).join('.')}.${token.split('.')[2]}`
  const takenSteps = await stepsOf(await call(page, { authorization: `Bearer ${both}` }))
  const expected = ['claims failed', 'key not reached', 'signature not reached']
  t.strictSame(takenSteps.slice(4, 7), expected)

  t.equal((await fetch(`${page}/calls/unknown`)).status, 404)
})

t.test('stops on a signal', async (t) => {
  t.equal(await stop(), 0)
})
