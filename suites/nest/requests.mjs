/** Sends the requests of the table in docs/nestjs.md to its program over HTTP, and prints the results. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { Catch, HttpException, Logger } from '@nestjs/common'
import { createAuthorizationServer } from 'fastify-resource-server/testing'
import { createApp } from './app.js'

const errors = []
const ignore = () => {}
Logger.overrideLogger({ log: ignore, warn: ignore, error: (...args) => errors.push(args) })

const issuer = await createAuthorizationServer()
const validToken = await issuer.issueToken({ sub: 'user-1' }, { scope: 'profile' })
const withScope = await issuer.issueToken({ sub: 'user-1' }, { scope: 'orders:read' })
const invalid = `${validToken.slice(0, -4)}AAAA`
const bearer = (token) => ({ authorization: `Bearer ${token}` })

/** Returns the status, challenge and body of the response. `headers` may be a raw list. */
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

async function listen(app) {
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
    headers: { ...bearer(validToken), 'content-type': 'application/json' },
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
    'a token with insufficient scope',
    '/orders',
    bearer(validToken),
    403,
    'insufficient_scope',
    /error="insufficient_scope".*scope="orders:read"/,
  ],
  [
    'two Authorization headers',
    '/me',
    [
      'Host',
      'localhost',
      'Authorization',
      `Bearer ${validToken}`,
      'Authorization',
      `Bearer ${validToken}`,
    ],
    400,
    'invalid_request',
    /error="invalid_request"/,
  ],
  [
    'a malformed Authorization header',
    '/me',
    { authorization: 'Bearer' },
    400,
    'invalid_request',
    /error="invalid_request"/,
  ],
]

async function checkResponses(name, app, { expectsCode }) {
  const origin = await listen(app)
  for (const [title, path, headers, status, code, challenge] of rejections) {
    await check(`${name}: responds ${status} to ${title}`, async () => {
      const response = await call(origin, path, { headers })
      assert.equal(response.status, status)
      assert.match(String(response.challenge), challenge)
      assert.equal(response.body.statusCode, status)
      assert.equal(typeof response.body.message, 'string')
      if (expectsCode) {
        assert.deepEqual(Object.keys(response.body), ['statusCode', 'code', 'message'])
        assert.equal(response.body.code, code)
      }
    })
  }
  await check(`${name}: responds 200 to a valid token`, async () => {
    const me = await call(origin, '/me', { headers: bearer(validToken) })
    assert.deepEqual([me.status, me.body], [200, { user: 'user-1' }])
    const orders = await call(origin, '/orders', { headers: bearer(withScope) })
    assert.deepEqual([orders.status, orders.body], [200, []])
  })
  await check(`${name}: responds 404 to a valid token on an unknown path`, async () => {
    assert.equal((await call(origin, '/nowhere', { headers: bearer(validToken) })).status, 404)
  })
  await check(
    `${name}: accepts requests to a public route without a token and with an invalid one`,
    async () => {
      assert.equal((await call(origin, '/health')).status, 200)
      assert.equal((await call(origin, '/health', { headers: bearer(invalid) })).status, 200)
    },
  )
  await check(`${name}: responds 401 when verify() throws in a handler`, async () => {
    assert.deepEqual((await exchange(origin, withScope)).body, { user: 'user-1' })
    const response = await exchange(origin, invalid)
    assert.equal(response.status, 401)
    if (expectsCode) assert.equal(response.body.code, 'invalid_token')
  })
  await app.close()
}

/** An application's filter that catches every error, without special cases for this package. */
class EverythingFilter {
  catch(error, host) {
    const statusCode = error instanceof HttpException ? error.getStatus() : 500
    host.switchToHttp().getResponse().status(statusCode).send({ statusCode, message: 'caught' })
  }
}
Catch()(EverythingFilter)

await checkResponses('the guide', await createApp(issuer.issuer), { expectsCode: true })
await check('the guide: Nest logs no rejection as an error', () => assert.deepEqual(errors, []))

const withoutFilter = await createApp(issuer.issuer)
// Nest has no method that removes a global filter.
withoutFilter.config.globalFilters.length = 0
await checkResponses('the default filter of Nest', withoutFilter, { expectsCode: false })
await check('the default filter of Nest: Nest logs rejections', () =>
  assert.notEqual(errors.length, 0),
)

const withTwoFilters = await createApp(issuer.issuer)
const [rejectionFilter] = withTwoFilters.config.globalFilters.splice(0)
withTwoFilters.useGlobalFilters(new EverythingFilter(), rejectionFilter)
await checkResponses('a filter that catches everything', withTwoFilters, { expectsCode: true })

const cold = await createApp(issuer.issuer)
const origin = await listen(cold)
await issuer.suspend()
await check('responds 503 with Retry-After while the issuer is down', async () => {
  const response = await call(origin, '/me', { headers: bearer(validToken) })
  assert.equal(response.status, 503)
  assert.match(String(response.retryAfter), /^\d+$/)
  assert.equal(response.body.statusCode, 503)
  assert.doesNotMatch(JSON.stringify(response.body), /127\.0\.0\.1|fetch/)
})
await cold.close()
await issuer.close()
