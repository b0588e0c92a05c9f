/** Sender-constrained tokens with cnf in the introspection response (RFC 9449 §6.2, RFC 8705 §3.2). */
import t, { type Test } from 'tap'
import { createResourceServer, type IntrospectionOptions } from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { HOSTILE_JSON } from '../fixtures/hostile-json.js'
import { CLIENT, startIntrospectionServer } from '../fixtures/introspection-server.js'
import { AUDIENCE, base64url, seconds } from '../fixtures/issuer.js'
import { json } from '../fixtures/key-server.js'
import { key, tokenOf } from '../fixtures/protected-api.js'

const client = await DPoPClient.make()
const other = await DPoPClient.make()
const url = 'https://api.example/'

async function start(t: Test, introspection: Partial<IntrospectionOptions> = {}) {
  const issuer = await startIntrospectionServer(t)
  issuer.respond(issuer.metadataPath, json({ ...issuer.metadata, jwks_uri: issuer.jwksUri }))
  issuer.respond('/keys', json({ keys: [key.publicJwk] }))
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: AUDIENCE,
    dpop: 'allowed',
    introspection: { ...CLIENT, ...introspection },
  })
  t.teardown(() => server.close())
  const activeResponse = { active: true, aud: AUDIENCE, exp: seconds() + 300, sub: 'user-1' }
  return {
    issuer: issuer.issuer,
    requestsFor: issuer.requestsFor,
    setResponse: (token: string, response: object) =>
      issuer.state.tokens.set(token, { ...activeResponse, ...response }),
    bearer: (token: string) => server.verify(token),
    proven: async (token: string, holder = client) => {
      const proof = await holder.proof({ url, token })
      return server.verify({ token, dpop: { proof, method: 'GET', url } })
    },
  }
}

const binding = { code: 'invalid_token', check: 'binding' }

t.test('I2, P3: enforces cnf of the response for an opaque token', async (t) => {
  const { setResponse, bearer, proven } = await start(t)
  for (const token_type of ['DPoP', 'dpop', 'Bearer', undefined]) {
    setResponse(`bound-${token_type}`, { cnf: { jkt: client.jkt }, token_type })
    t.same((await proven(`bound-${token_type}`)).confirmation, { jkt: client.jkt })
    await t.rejects(bearer(`bound-${token_type}`), binding)
    await t.rejects(proven(`bound-${token_type}`, other), binding)
  }
  setResponse('plain', { token_type: 'Bearer' })
  await t.rejects(proven('plain'), binding, 'a bearer token as DPoP')
  t.ok(await bearer('plain'))
  setResponse('nowhere', { token_type: 'DPoP' })
  await t.rejects(bearer('nowhere'), binding, 'bound to an unnamed key')
  setResponse('odd', { token_type: 'DPoP', cnf: { jkt: 'x' } })
  await t.rejects(bearer('odd'), binding)
  setResponse('certificate', { cnf: { 'x5t#S256': client.jkt } })
  await t.rejects(bearer('certificate'), binding, 'mtls is off')
  setResponse('other', { token_type: 'N_A' })
  await t.rejects(bearer('other'), { code: 'invalid_token', check: 'type' })
})

t.test('I2, P3: enforces cnf of a JWT, regardless of the response', async (t) => {
  const { issuer, setResponse, bearer, proven } = await start(t, { mode: 'always' })
  const bound = await tokenOf({ iss: issuer, cnf: { jkt: client.jkt } })
  setResponse(bound, {})
  t.same((await proven(bound)).confirmation, { jkt: client.jkt })
  await t.rejects(bearer(bound), binding)

  const agreed = await tokenOf({ iss: issuer, jti: 'agreed', cnf: { jkt: client.jkt } })
  setResponse(agreed, { cnf: { jkt: client.jkt }, token_type: 'DPoP', scope: 'less' })
  t.same((await proven(agreed)).confirmation, { jkt: client.jkt }, 'even with less scope')

  const moved = await tokenOf({ iss: issuer, jti: 'moved', cnf: { jkt: client.jkt } })
  setResponse(moved, { cnf: { jkt: other.jkt } })
  await t.rejects(proven(moved), binding)
  await t.rejects(proven(moved, other), binding)

  const added = await tokenOf({ iss: issuer, jti: 'added' })
  setResponse(added, { cnf: { jkt: client.jkt } })
  await t.rejects(bearer(added), binding, 'bound only by the later response')
  await t.rejects(proven(added), binding)
})

t.test('I2, P3: enforces cnf of a JWT that is verified by introspection only', async (t) => {
  const { issuer, setResponse, bearer, proven } = await start(t, { opaqueTokens: () => true })
  const bound = await tokenOf({ iss: issuer, cnf: { jkt: client.jkt } })
  setResponse(bound, {})
  await t.rejects(bearer(bound), binding, 'although the response omits cnf')
  t.same((await proven(bound)).confirmation, { jkt: client.jkt })
  await t.rejects(proven(bound, other), binding)
  setResponse('not.a.jwt', {})
  t.ok(await bearer('not.a.jwt'))

  const moved = await tokenOf({ iss: issuer, jti: 'moved', cnf: { jkt: client.jkt } })
  setResponse(moved, { cnf: { jkt: other.jkt } })
  await t.rejects(proven(moved, other), binding)

  const certified = await tokenOf({ iss: issuer, cnf: { 'x5t#S256': client.jkt } })
  setResponse(certified, {})
  await t.rejects(bearer(certified), binding, 'mtls is off')
})

t.test(
  'enforces cnf of a JWT with costly claims, parsed after the introspection response',
  async (t) => {
    const { issuer, setResponse, bearer, proven } = await start(t, { opaqueTokens: () => true })
    for (const [name, members] of Object.entries(HOSTILE_JSON)) {
      if (name === 'members twice') continue
      const payload = base64url(members(`{"iss":"${issuer}","cnf":{"jkt":"${client.jkt}"}`, 5_000))
      const bound = `${base64url('{"alg":"ES256"}')}.${payload}.AAAA`
      const calls = t.capture(JSON, 'parse', JSON.parse)
      await t.rejects(bearer(bound), { code: 'invalid_token', check: 'introspection' }, name)
      t.ok(
        calls().every(({ args }) => String(args[0]).length < 1_000),
        name,
      )
      calls.restore()
      // An inactive token is not introspected again immediately.
      const active = bound.replace('AAAA', 'BBBB')
      setResponse(active, {})
      await t.rejects(bearer(active), binding, name)
      t.same((await proven(active)).confirmation, { jkt: client.jkt }, name)
    }
    for (const cnf of [{ jkt: 5 }, { 'x5t#S256': client.jkt }, 'x']) {
      const many = JSON.stringify({ iss: issuer, cnf, groups: Array(200).fill('a group') })
      const unusable = `${base64url('{"alg":"ES256"}')}.${base64url(many)}.AAAA`
      setResponse(unusable, {})
      await t.rejects(bearer(unusable), binding, JSON.stringify(cnf))
    }
  },
)

t.test('I2, P3: enforces cnf of a malformed JWT', async (t) => {
  const { issuer, requestsFor, setResponse, bearer, proven } = await start(t)
  const certified = `${await tokenOf({ iss: issuer, cnf: { 'x5t#S256': client.jkt } })}.`
  setResponse(certified, {})
  await t.rejects(bearer(certified), binding, 'mtls is off')
  t.equal(requestsFor(certified), 0, 'no introspection request for an unsupported binding')

  const odd = `${await tokenOf({ iss: issuer, cnf: { jkt: 5 } })}.`
  setResponse(odd, {})
  await t.rejects(bearer(odd), { code: 'invalid_token' })
  t.equal(requestsFor(odd), 0)

  const bound = await tokenOf({ iss: issuer, cnf: { jkt: client.jkt } })
  const [header, payload] = bound.split('.')
  const jwkThumbprint = { cnf: { jkt: other.jkt } }
  const others = Buffer.from(JSON.stringify(jwkThumbprint)).toString('base64url')
  for (const spelling of [`${bound}.`, `.${bound}`, `${header}.${payload}`, `${bound}...`]) {
    setResponse(spelling, {})
    await t.rejects(
      bearer(spelling),
      binding,
      'without this check, a lenient issuer would make it a bearer token',
    )
    t.same((await proven(spelling)).confirmation, { jkt: client.jkt })
  }
  for (const spelling of [`${others}.${bound}`, `${bound}.${others}`]) {
    setResponse(spelling, {})
    await t.rejects(proven(spelling, other), binding, 'a second key in addition')
    await t.rejects(proven(spelling), binding)
    await t.rejects(bearer(spelling), binding)
  }
})
