/** The option `logRejections`. */
import t, { type Test } from 'tap'
import type { PluginOptions, RejectionLogMode } from '../../src/index.js'
import { fakeTimers } from '../fixtures/fake-timers.js'
import { ISSUER, makeKey } from '../fixtures/issuer.js'
import { CLIENT_ID, logoutToken } from '../fixtures/logout-tokens.js'
import { bearer, protectedApi, tokenOf } from '../fixtures/protected-api.js'
import { eventToken, STREAM } from '../fixtures/security-events.js'

async function loggingApi(t: Test, options: Partial<PluginOptions>, level = 'debug') {
  const lines: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const app = await protectedApi(t, options, { logger: { level, stream } })
  app.get('/', async () => 'in')
  app.get('/admin', { config: { auth: { scope: 'admin' } } }, async () => 'in')
  /** The lines of the plugin about rejections. */
  const rejected = () => lines.filter(({ msg }) => /^requests? rejected/.test(`${msg}`))
  return { app, lines, rejected }
}

t.test('logs each rejection at info by default, or at debug', async (t) => {
  for (const [options, level] of [
    [{}, 30],
    [{ logRejections: 'info' }, 30],
    [{ logRejections: 'debug' }, 20],
  ] as const) {
    const { app, rejected } = await loggingApi(t, options)
    await app.inject('/')
    t.match(rejected(), [{ level, code: 'missing_credentials', msg: /^request rejected: / }])
    t.equal(rejected().length, 1)
  }
})

t.test('logs nothing, and still counts and reports', async (t) => {
  let reported = 0
  const onReject = () => void reported++
  const { app, rejected } = await loggingApi(t, { logRejections: false, onReject })
  await app.inject('/')
  t.strictSame(rejected(), [])
  t.equal(reported, 1)
  t.match(app.resourceServer.statistics().rejections, { missing_credentials: 1 })
})

t.test('logs the numbers of a second in one line, and the rest on close', async (t) => {
  const timers = fakeTimers(t, ['setTimeout'])
  const { app, rejected } = await loggingApi(t, { logRejections: 'summary' }, 'info')
  for (let i = 0; i < 100; i++) await app.inject('/')
  await app.inject({ url: '/', headers: bearer('a.b.c') })
  await app.inject({ url: '/admin', headers: bearer(await tokenOf()) })
  await timers.advance(990)
  t.equal(rejected().length, 0)
  await timers.advance(10)
  t.equal(rejected().length, 1)
  await app.inject('/')
  await app.close()
  const sums: Record<string, number> = {}
  for (const { rejections } of rejected()) {
    for (const [name, count] of Object.entries(rejections as Record<string, number>)) {
      sums[name] = (sums[name] ?? 0) + count
    }
  }
  t.strictSame(sums, {
    'missing_credentials credentials': 101,
    'invalid_token token': 1,
    'insufficient_scope scope': 1,
  })
  t.equal(rejected().length, 2, 'one line for the second, and the last one')
  await app.close()
})

/** The lines about tokens that were posted to the routes of logout tokens and security events. */
async function linesAboutEvents(t: Test, logRejections: RejectionLogMode) {
  const { app, lines } = await loggingApi(t, {
    logRejections,
    backchannelLogout: { path: '/logout', clientIds: [CLIENT_ID] },
    securityEvents: { issuer: ISSUER, audience: STREAM, push: { path: '/events' } },
  })
  const forger = await makeKey('ES256')
  const logout = `logout_token=${await logoutToken(forger)}`
  const event = await eventToken(forger)
  for (let sent = 0; sent < 3; sent++) {
    for (const [url, type, payload] of [
      ['/logout', 'application/x-www-form-urlencoded', logout],
      ['/events', 'application/secevent+jwt', event],
    ] as const) {
      const headers = { 'content-type': type }
      const response = await app.inject({ method: 'POST', url, headers, payload })
      t.equal(response.statusCode, 400)
    }
  }
  await app.close()
  return lines.filter(({ msg }) => /rejected/.test(`${msg}`))
}

t.test('logs rejected tokens about events as rejected requests', async (t) => {
  for (const [mode, level] of [
    ['info', 30],
    ['debug', 20],
  ] as const) {
    const lines = await linesAboutEvents(t, mode)
    t.equal(lines.length, 6, mode)
    const found = { level, code: 'invalid_token', check: 'signature' }
    t.match(lines.slice(0, 2), [
      { ...found, msg: /^logout token rejected: The signature of the logout token/ },
      { ...found, msg: /^security event token rejected: The signature of the security event/ },
    ])
  }
  const rejections = {
    'logout token rejected: invalid_token signature': 3,
    'security event token rejected: invalid_token signature': 3,
  }
  t.match(await linesAboutEvents(t, 'summary'), [{ level: 30, rejections }])
  t.strictSame(await linesAboutEvents(t, false), [])
})

t.test('writes no line without a rejection', async (t) => {
  const { app, rejected } = await loggingApi(t, { logRejections: 'summary' })
  await app.inject({ url: '/', headers: bearer(await tokenOf()) })
  await app.close()
  t.strictSame(rejected(), [])
})

t.test('rejects another value', async (t) => {
  for (const value of [true, 'warn', 'Summary', null, 1]) {
    await t.rejects(protectedApi(t, { logRejections: value as never }), {
      name: 'TypeError',
      message: /^"logRejections" option must be one of info, debug, summary or false/,
    })
  }
})
