/** Sender-constrained tokens that "extractToken" reads from elsewhere than `Authorization`. */
import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { RequestCredentials } from '../../src/plugin/request-credentials.js'
import { RequestTargets } from '../../src/plugin/request-target.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { protectedApi, tokenOf } from '../fixtures/protected-api.js'

const client = await DPoPClient.make()
const url = 'https://api.example/'
const targets = new RequestTargets([], t.fail)

t.test('P1, P3: verifies the proof of a token from another header', async (t) => {
  const app = await protectedApi(t, {
    dpop: { baseUrl: url, algorithms: ['ES256'] },
    extractToken: ({ headers }) => headers['x-token'] as string | undefined,
  })
  app.get('/', async ({ auth }) => ({ bound: auth?.confirmation !== undefined }))
  const bound = await tokenOf({ cnf: { jkt: client.jkt } })
  const send = async (token: string | undefined, dpop?: string) => {
    const headers = { ...(token && { 'x-token': token }), ...(dpop && { dpop }) }
    const response = await app.inject({ url: '/', headers })
    return { status: response.statusCode, challenges: response.headers['www-authenticate'] }
  }
  const valid = await send(bound, await client.proof({ url, token: bound }))
  t.equal(valid.status, 200)
  t.match(await send(bound), { status: 401, challenges: [/^Bearer .*invalid_token/, /^DPoP /] })
  const wrong = await send(
    bound,
    await client.proof({ url, token: bound }, { claims: { htm: 'X' } }),
  )
  t.match(wrong, { status: 401, challenges: /^DPoP .*invalid_dpop_proof/ })
  const plain = await tokenOf()
  t.equal((await send(plain)).status, 200)
  t.equal((await send(plain, 'an unnecessary proof')).status, 200)
  t.match(await send(undefined), { status: 401, challenges: [/^Bearer /, /^DPoP /] })
})

t.test('P7: derives the URL from a loopback connection only, also over IPv6', async (t) => {
  const request = (localAddress: string | undefined) =>
    ({
      protocol: 'http',
      raw: { url: '/a', socket: { localAddress, localPort: 3000 } },
    }) as unknown as FastifyRequest
  t.same(targets.targetUrisOf(request('::1')), ['http://[::1]:3000/a', 'http://localhost:3000/a'])
  t.same(targets.targetUrisOf(request('::ffff:127.0.0.1')), [
    'http://127.0.0.1:3000/a',
    'http://localhost:3000/a',
  ])
  for (const elsewhere of ['10.0.0.5', 'fd00::5', undefined]) {
    t.throws(() => targets.targetUrisOf(request(elsewhere)), TypeError, `${elsewhere}`)
  }
})

t.test('P6: expects and logs nothing if the certificate is present', async (t) => {
  const raw = { rawHeaders: [] }
  const request = { method: 'GET', raw } as unknown as FastifyRequest
  for (const certificates of [
    undefined,
    { certificateOf: () => ({ thumbprint: 'a thumbprint' }) },
  ]) {
    const core = { baseUrls: [], certificates, warnOnce: t.fail }
    const credentials = new RequestCredentials({ extractToken: undefined }, core)
    const presentation = credentials.presentation(request, 'Bearer')
    t.equal(presentation.certificateThumbprint, certificates?.certificateOf().thumbprint)
    t.equal(presentation.expectedCertificate, undefined)
  }
})
