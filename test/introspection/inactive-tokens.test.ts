/** Detection of an issuer that reports every JWT inactive that is valid here. */
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { memoryStore } from '../../src/index.js'
import {
  CLIENT,
  introspectorOf,
  startIntrospectionServer,
} from '../fixtures/introspection-server.js'

const jwt = (name: unknown, signature = 'signature') => `header.${name}.${signature}`
const NINE = Array.from({ length: 9 }, (_, at) => jwt(at))
const ACTIVE = { active: true, exp: 1_800_000_300 }

async function start(t: Test, withStore = false) {
  const server = await startIntrospectionServer(t)
  let reports = 0
  const shared = { store: memoryStore(), secret: randomBytes(32), clientId: CLIENT.clientId }
  const instance = async () =>
    introspectorOf(t, server, {
      onOnlyInactive: () => void reports++,
      ...(withStore && { shared: { ...shared, onFailure() {}, onRecovery() {} } }),
    })
  const { introspector } = await instance()
  return {
    ...server,
    instance,
    introspector,
    introspect: (token: string, isVerified = true) => introspector.introspect(token, isVerified),
    reports: () => reports,
  }
}

t.test('reports ten different inactive JWTs, once', async (t) => {
  const { introspect, reports } = await start(t)
  for (const token of NINE) await introspect(token)
  t.equal(reports(), 0)
  await introspect(jwt('tenth'))
  t.equal(reports(), 1)
  for (let more = 0; more < 30; more++) await introspect(jwt(`more-${more}`))
  t.equal(reports(), 1)
})

t.test('counts a JWT once, whatever its signature', async (t) => {
  const { introspect, reports } = await start(t)
  for (const token of NINE) await introspect(token)
  for (let at = 0; at < 20; at++) await introspect(jwt(0, `other-${at}`))
  t.equal(reports(), 0)
})

t.test('does not count an encrypted JWT, which a caller can encrypt again', async (t) => {
  const { introspect, reports } = await start(t)
  for (const token of NINE) await introspect(token)
  for (let at = 0; at < 20; at++) await introspect(`header.key-${at}.iv.ciphertext.tag-${at}`)
  t.equal(reports(), 0)
})

t.test('does not count unverified tokens, malformed responses and failures', async (t) => {
  const { introspect, reports, state } = await start(t)
  for (const token of NINE) await introspect(token)
  for (let at = 0; at < 20; at++) await introspect(jwt(`forged-${at}`), false)
  state.tokens.set(jwt('malformed'), { active: 'false' })
  await introspect(jwt('malformed'))
  state.filter = () => (response) => response.writeHead(500).end()
  await t.rejects(async () => introspect(jwt('failed')))
  t.equal(reports(), 0)
})

t.test('ends with the first active response', async (t) => {
  for (const isVerified of [true, false]) {
    const { introspect, reports, state } = await start(t)
    for (const token of NINE) await introspect(token)
    state.tokens.set('active', ACTIVE)
    t.match(await introspect('active', isVerified), { active: true })
    for (let at = 0; at < 30; at++) await introspect(jwt(`more-${at}`))
    t.equal(reports(), 0)
  }
})

t.test('ends with an active response that another instance shared', async (t) => {
  const { introspect, instance, reports, requestsFor, state } = await start(t, true)
  state.tokens.set('active', ACTIVE)
  const other = await instance()
  t.match(await other.introspector.introspect('active', true), { active: true })
  t.match(await introspect('active'), { active: true })
  t.equal(requestsFor('active'), 1)
  for (let at = 0; at < 30; at++) await introspect(jwt(at))
  t.equal(reports(), 0)
})
