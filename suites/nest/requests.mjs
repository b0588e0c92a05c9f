/** Sends the program of docs/nestjs.md the requests of its table, over HTTP. Prints what it saw. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { Catch, HttpException, Logger } from '@nestjs/common'
import { createAuthorizationServer } from 'fastify-resource-server/testing'
import { createApp } from './app.js'

const errors = []
const silent = () => {}
Logger.overrideLogger({ log: silent, warn: silent, error: (...args) => errors.push(args) })

const issuer = await createAuthorizationServer()
const good = await issuer.issueToken({ sub: 'user-1' }, { scope: 'profile' })
const withScope = await issuer.issueToken({ sub: 'user-1' }, { scope: 'orders:read' })
const invalid = `${good.slice(0, -4)}AAAA`
const bearer = (token) => ({ authorization: `Bearer ${token}` })

/** Body, challenge and status, as a client gets them. Headers may be given as a raw list. */
function call(origin, path, { headers = {}, method = 'GET', body } = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = request(origin + path, { method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => {
        const { 'www-authenticate': challenge, 'retry-after': retryAfter } = response.headers
        resolve({ status: response.statusCode, challenge, retryAfter, body: JSON.parse(text) })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function serving(app) {
  await app.listen(0, '127.0.0.1')
  return `http://127.0.0.1:${app.getHttpServer().address().port}`
}

async function check(title, work) {
  try {
    await work()
    console.log(`ok NestJS ${process.env.NEST}, ${title}`)
  } catch (error) {
    console.error(`not ok NestJS ${process.env.NEST}, ${title}\n${error.stack}`)
    process.exitCode = 1
  }
}

function exchange(origin, token) {
  return call(origin, '/exchange', {
    method: 'POST',
    headers: { ...bearer(good), 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
}

const rejections = [
  ['no token', '/me', {}, 401, 'missing_credentials', /^Bearer realm="api"/],
  ['no token, unknown path', '/nowhere', {}, 401, 'missing_credentials', /^Bearer/],
  ['an invalid token', '/me', bearer(invalid), 401, 'invalid_token', /error="invalid_token"/],
  [
    'a token for another audience',
    '/me',
    bearer(await issuer.issueToken({ aud: 'other' })),
    401,
    'invalid_token',
    /error="invalid_token"/,
  ],
  [
    'too little scope',
    '/orders',
    bearer(good),
    403,
    'insufficient_scope',
    /error="insufficient_scope".*scope="orders:read"/,
  ],
  [
    'two headers',
    '/me',
    ['Host', 'localhost', 'Authorization', `Bearer ${good}`, 'Authorization', `Bearer ${good}`],
    400,
    'invalid_request',
    /error="invalid_request"/,
  ],
  [
    'a malformed header',
    '/me',
    { authorization: 'Bearer' },
    400,
    'invalid_request',
    /error="invalid_request"/,
  ],
]

async function requestsOf(name, app, { hasCode }) {
  const origin = await serving(app)
  for (const [title, path, headers, status, code, challenge] of rejections) {
    await check(`${name}: ${title} is answered ${status}`, async () => {
      const answer = await call(origin, path, { headers })
      assert.equal(answer.status, status)
      assert.match(String(answer.challenge), challenge)
      assert.equal(answer.body.statusCode, status)
      assert.equal(typeof answer.body.message, 'string')
      if (hasCode) {
        assert.deepEqual(Object.keys(answer.body), ['statusCode', 'code', 'message'])
        assert.equal(answer.body.code, code)
      }
    })
  }
  await check(`${name}: a valid token is answered 200`, async () => {
    const me = await call(origin, '/me', { headers: bearer(good) })
    assert.deepEqual([me.status, me.body], [200, { user: 'user-1' }])
    const orders = await call(origin, '/orders', { headers: bearer(withScope) })
    assert.deepEqual([orders.status, orders.body], [200, []])
  })
  await check(`${name}: an unknown path is 404 with a token`, async () => {
    assert.equal((await call(origin, '/nowhere', { headers: bearer(good) })).status, 404)
  })
  await check(`${name}: a public route needs no token and ignores an invalid one`, async () => {
    assert.equal((await call(origin, '/health')).status, 200)
    assert.equal((await call(origin, '/health', { headers: bearer(invalid) })).status, 200)
  })
  await check(`${name}: what verify() throws in a handler is answered 401`, async () => {
    assert.deepEqual((await exchange(origin, withScope)).body, { user: 'user-1' })
    const answer = await exchange(origin, invalid)
    assert.equal(answer.status, 401)
    if (hasCode) assert.equal(answer.body.code, 'invalid_token')
  })
  await app.close()
}

/** What an application has that renders whatever happens, and knows nothing of this package. */
class EverythingFilter {
  catch(error, host) {
    const statusCode = error instanceof HttpException ? error.getStatus() : 500
    host.switchToHttp().getResponse().status(statusCode).send({ statusCode, message: 'caught' })
  }
}
Catch()(EverythingFilter)

await requestsOf('the guide', await createApp(issuer.issuer), { hasCode: true })
await check('the guide: Nest logs no rejection as an error', () => assert.deepEqual(errors, []))

const withoutFilter = await createApp(issuer.issuer)
// Nest has no way to unbind one.
withoutFilter.config.globalFilters.length = 0
await requestsOf("Nest's own filter", withoutFilter, { hasCode: false })
await check("Nest's own filter: Nest logs rejections", () => assert.notEqual(errors.length, 0))

const withTwo = await createApp(issuer.issuer)
const [rejectionFilter] = withTwo.config.globalFilters.splice(0)
withTwo.useGlobalFilters(new EverythingFilter(), rejectionFilter)
await requestsOf('a filter that catches everything', withTwo, { hasCode: true })

const cold = await createApp(issuer.issuer)
const origin = await serving(cold)
await issuer.suspend()
await check('the issuer is away: 503 with Retry-After', async () => {
  const answer = await call(origin, '/me', { headers: bearer(good) })
  assert.equal(answer.status, 503)
  assert.match(String(answer.retryAfter), /^\d+$/)
  assert.equal(answer.body.statusCode, 503)
  assert.doesNotMatch(JSON.stringify(answer.body), /127\.0\.0\.1|fetch/)
})
await cold.close()
await issuer.close()
