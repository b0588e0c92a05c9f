/** B3, P6, P7: Node drops headers beyond a limit, which must not help an attacker. */
import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { bearerToken } from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { protectedApi, tokenOf } from '../fixtures/protected-api.js'
import { rawRequest } from '../fixtures/raw-http.js'

/** Headers of minimum size. */
const thousand = Array.from({ length: 1_000 }, () => 'a:')
const valid = await tokenOf()

async function listening(app: FastifyInstance): Promise<number> {
  app.get('/', async () => 'in')
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as { port: number }).port
}

t.test('B3: rejects a second Authorization header that Node would drop', async (t) => {
  const port = await listening(await protectedApi(t))
  const lines = [`authorization: Bearer ${valid}`, ...thousand, 'authorization: Bearer another']
  const { status, headers } = await rawRequest(port, { lines })
  t.equal(status, 400)
  t.match(headers['www-authenticate']?.[0], /error="invalid_request"/)
  const { length } = thousand
  const whole = [`authorization: Bearer ${valid}`, ...thousand.slice(0, length - 10)]
  t.equal((await rawRequest(port, { lines: whole })).status, 200, 'as many as Node keeps')
})

t.test(
  "P6: accepts no certificate from a caller that makes Node drop the proxy's header",
  async (t) => {
    const der = Buffer.concat([Buffer.from([0x30, 0x81, 0x80]), Buffer.alloc(128, 7)])
    const from = { header: 'client-cert', trustedProxies: ['127.0.0.1'] } as const
    const app = await protectedApi(t, { mtls: { mode: 'allowed', certificateSource: from } })
    const thumbprint = createHash('sha256').update(der).digest('base64url')
    const bound = await tokenOf({ cnf: { 'x5t#S256': thumbprint } })
    const port = await listening(app)
    const stolen = [`authorization: Bearer ${bound}`, `client-cert: :${der.toString('base64')}:`]
    t.equal((await rawRequest(port, { lines: stolen })).status, 200)
    const ofProxy = 'client-cert: :MIGA:'
    t.equal((await rawRequest(port, { lines: [...stolen, ofProxy] })).status, 401)
    t.equal((await rawRequest(port, { lines: [...stolen, ...thousand, ofProxy] })).status, 400)
  },
)

t.test("P7: accepts no host from a caller that makes Node drop the proxy's header", async (t) => {
  const client = await DPoPClient.make()
  const token = await tokenOf({ cnf: { jkt: client.jkt } })
  const port = await listening(await protectedApi(t, { dpop: 'allowed' }, { trustProxy: true }))
  const proof = await client.proof({ url: 'https://other.example/', token })
  const lines = [`authorization: DPoP ${token}`, `dpop: ${proof}`, 'x-forwarded-for: 192.0.2.1']
  const others = ['x-forwarded-proto: https', 'x-forwarded-host: other.example']
  const ofProxy = 'x-forwarded-host: api.example'
  t.equal((await rawRequest(port, { lines: [...lines, ...others, ofProxy] })).status, 401)
  t.equal(
    (await rawRequest(port, { lines: [...lines, ...others, ...thousand, ofProxy] })).status,
    400,
  )
})

t.test('reads the header limit of the server', async (t) => {
  const app = await protectedApi(t)
  const port = await listening(app)
  const lines = [`authorization: Bearer ${valid}`, ...thousand.slice(0, 60)]
  t.equal((await rawRequest(port, { lines })).status, 200)
  app.server.maxHeadersCount = 40
  t.equal((await rawRequest(port, { lines })).status, 400)
  app.server.maxHeadersCount = 0
  const all = [`authorization: Bearer ${valid}`, ...thousand, ...thousand]
  t.equal((await rawRequest(port, { lines: all })).status, 200, 'all headers')
})

t.test('B3: finds no bearer token where headers may be missing', async (t) => {
  const rawHeaders = ['authorization', `Bearer ${valid}`, ...thousand.flatMap(() => ['a', ''])]
  t.throws(() => bearerToken({ rawHeaders }), { code: 'invalid_request' })
})
