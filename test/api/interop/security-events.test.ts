/** Security events that the embedded authorization server transmits to two instances of an API. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { memoryStore, type PushedSecurityEventFeed } from '../../../src/index.js'
import {
  type AuthorizationServer,
  createAuthorizationServer,
  testClient,
  testUser,
} from '../../../src/testing/index.js'
import { startApi } from './fixtures/api.js'

const AUTHORIZATION = 'Bearer secret of the stream'
/** Time after which every instance must reject the tokens of the session, in milliseconds. */
const WITHIN_MS = 900

interface Created {
  readonly stream_id: string
  readonly delivery: { readonly endpoint_url: string }
}

async function startTransmitter(t: Test) {
  const server = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => server.close())
  const authorization = `Bearer ${await server.issueToken({}, { subject: 'client' })}`
  const post = async (path: string, body: object) =>
    fetch(`${server.issuer}/v1/ssf/${path}`, {
      method: 'POST',
      headers: { authorization },
      body: JSON.stringify(body),
    })
  const createStream = async (delivery: object) => {
    const response = await post('streams', { delivery })
    return (await response.json()) as Created
  }
  return { server, authorization, post, createStream }
}

/** Starts two instances with one store. Only the first one receives events. */
async function startInstances(
  t: Test,
  { issuer }: AuthorizationServer,
  feed: Partial<PushedSecurityEventFeed>,
) {
  const options = {
    issuer,
    audience: 'api://default',
    stores: { revocations: memoryStore() },
  }
  const securityEvents = { issuer, audience: testClient.clientId, ...feed }
  return {
    one: await startApi(t, { ...options, securityEvents }),
    two: await startApi(t, options),
  }
}

type Instances = Awaited<ReturnType<typeof startInstances>>

async function testEndOfSessions(t: Test, server: AuthorizationServer, { one, two }: Instances) {
  const ended = await server.issueToken({ sid: 's-1' })
  const kept = await server.issueToken({ sid: 's-2' })
  for (const api of [one, two]) {
    for (const token of [ended, kept]) t.equal((await api.get('/me', token)).status, 200)
  }
  await server.endSession({ sid: 's-1' })
  await sleep(WITHIN_MS)
  for (const api of [one, two]) {
    t.equal((await api.get('/me', ended)).status, 401)
    t.equal(api.lastReason?.check, 'revocation')
    t.equal((await api.get('/me', kept)).status, 200, 'another session')
  }
  await server.disableUser(testUser.username)
  await sleep(WITHIN_MS)
  for (const api of [one, two]) t.equal((await api.get('/me', kept)).status, 401)
}

t.test('pushed events end sessions on two instances', async (t) => {
  const { server, post, createStream } = await startTransmitter(t)
  const push = { path: '/events', authorization: AUTHORIZATION }
  const instances = await startInstances(t, server, { push })
  const { stream_id } = await createStream({
    method: 'urn:ietf:rfc:8935',
    endpoint_url: `${instances.one.url}/events`,
    authorization_header: AUTHORIZATION,
  })
  await testEndOfSessions(t, server, instances)
  const [forged] = await server.sendSecurityEvent({ forged: true })
  t.match(forged, { status: 400, body: /"err":"authentication_failed"/ })
  const [again] = await server.sendSecurityEvent({ claims: { aud: 'other' } })
  t.match(again, { status: 400, body: /"err":"invalid_audience"/ })

  await post('verification', { stream_id, state: 'x' })
  const lastVerification = () =>
    instances.one.app.resourceServer.securityEventStatus()[0]?.lastVerificationAt
  while (lastVerification() === undefined) await sleep(10)
  t.pass('the verification event arrives')
})

t.test('polled events end sessions on two instances, after an outage as well', async (t) => {
  const { server, authorization, createStream } = await startTransmitter(t)
  const { delivery } = await createStream({ method: 'urn:ietf:rfc:8936' })
  const poll = { url: delivery.endpoint_url, authorization, interval: 100 }
  const instances = await startInstances(t, server, { poll })
  await testEndOfSessions(t, server, instances)
  server.fail({ status: 503 }, 'poll')
  const { poll: polls } = server.requests
  await server.sendSecurityEvent({ subject: { format: 'opaque', id: 'ends the open poll' } })
  while (server.requests.poll === polls) await sleep(10)
  const late = await server.issueToken({ sub: 'ada', sid: 's-3' })
  const subject = { format: 'iss_sub', iss: server.issuer, sub: 'ada' }
  await server.sendSecurityEvent({ subject })
  await sleep(200)
  t.equal((await instances.two.get('/me', late)).status, 200, 'during the outage')
  server.recover()
  const isRejected = async () => (await instances.two.get('/me', late)).status === 401
  while (!(await isRejected())) await sleep(50)
  const pending = async () => {
    const response = await fetch(delivery.endpoint_url, {
      method: 'POST',
      headers: { authorization },
      body: '{"returnImmediately":true}',
    })
    return Object.keys(((await response.json()) as { sets: object }).sets)
  }
  while ((await pending()).length > 0) await sleep(50)
  t.pass('the events are acknowledged')
})
