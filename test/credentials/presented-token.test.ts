/** Sender-constrained tokens without Fastify: in a queue, a gateway or another framework. */
import t from 'tap'
import { createResourceServer, type PresentedToken, UseDPoPNonceError } from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { AUDIENCE, ISSUER } from '../fixtures/issuer.js'
import { key, tokenOf } from '../fixtures/protected-api.js'

const given = { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [key.publicJwk] } }
const client = await DPoPClient.make()
const url = 'https://queue.example/jobs'
const token = await tokenOf({ cnf: { jkt: client.jkt } })

async function presented(nonce?: string): Promise<PresentedToken> {
  const proof = await client.proof({ method: 'POST', url, token, nonce })
  return { token, dpop: { proof, method: 'POST', url } }
}

t.test('P1: accepts a sender-constrained token with its proof only', async (t) => {
  const server = await createResourceServer({ ...given, dpop: 'allowed' })
  const verified = await server.verify(await presented())
  t.same(verified.confirmation, { jkt: client.jkt })
  t.ok(Object.isFrozen(verified.confirmation))
  const once = await presented()
  await server.verify(once)
  await t.rejects(server.verify(once), { code: 'invalid_dpop_proof', check: 'proof' })
  await t.rejects(server.verify(token), { code: 'invalid_token', check: 'binding' }, 'P3')
  await t.rejects(server.verify({ token }), { code: 'invalid_token', check: 'binding' })
  const other = await presented()
  const moved = { token, dpop: { ...other.dpop, url: 'https://queue.example/other' } }
  await t.rejects(server.verify(moved as PresentedToken), { code: 'invalid_dpop_proof' })
})

t.test('requires no proof for a bearer token', async (t) => {
  const server = await createResourceServer({ ...given, dpop: 'allowed' })
  const plain = await tokenOf()
  t.equal((await server.verify({ token: plain })).confirmation, undefined)
  t.equal((await server.verify(plain)).confirmation, undefined)
})

t.test('rejects a bearer token if dpop is required', async (t) => {
  const server = await createResourceServer({ ...given, dpop: 'allowed' })
  const plain = await tokenOf()
  const error = await server.verify(plain, { dpop: 'required' }).catch((error) => error)
  t.match(error, { code: 'invalid_token', check: 'binding' })
  t.match(error.headers['www-authenticate'], /^DPoP realm="api", error="invalid_token"/)
  t.ok(await server.verify(await presented(), { dpop: 'required' }))
  await t.rejects(server.verify(await presented(), { dpop: 'off' }), {
    code: 'invalid_token',
    check: 'binding',
  })
  await t.rejects(server.verify(plain, { mtls: 'required' }), TypeError, 'mtls is off')
})

t.test('P4: returns the nonce in the headers of the error', async (t) => {
  const dpop = { nonce: { secret: Buffer.alloc(32, 3) } }
  const server = await createResourceServer({ ...given, dpop })
  const error = await server.verify(await presented()).catch((error) => error)
  t.ok(error instanceof UseDPoPNonceError)
  t.match(error.reason, { check: 'nonce', found: 'none' })
  const nonce = error.headers['dpop-nonce']
  t.ok(await server.verify(await presented(nonce)))
  const old = await server.verify(await presented('x')).catch((error) => error)
  t.match(old.reason, { check: 'nonce', found: 'an unknown or expired nonce' })
})

t.test('throws a TypeError for an invalid presented token', async (t) => {
  const server = await createResourceServer({ ...given, dpop: 'allowed' })
  for (const odd of [
    { token, proof: 'x' },
    { token, certificate: 'PEM' },
    { token, dpop: 'x' },
    { token, dpop: { proof: 'x', method: 'GET' } },
    { token, dpop: { proof: 'x', method: 'GET', url: new URL(url) } },
    { token, dpop: { proof: 'x', method: 'GET', url, more: 1 } },
  ]) {
    await t.rejects(server.verify(odd as never), TypeError, JSON.stringify(odd))
  }
  await t.rejects(server.verify({ token: '' }), { code: 'missing_credentials' })
})
