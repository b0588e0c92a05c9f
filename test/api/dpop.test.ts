/** DPoP over a real socket: each check of RFC 9449 §4.3, and attempts to bypass it. */
import type { AddressInfo } from 'node:net'
import type { FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import type { PluginOptions } from '../../src/index.js'
import { DPoPClient, type ProofFor, type ProofParts } from '../fixtures/dpop-client.js'
import { base64url, seconds } from '../fixtures/issuer.js'
import { protectedApi, tokenOf } from '../fixtures/protected-api.js'
import { type RawResponse, rawRequest } from '../fixtures/raw-http.js'

const BASE = 'https://api.example'
const ALL = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 EdDSA Ed25519'

const client = await DPoPClient.make()
const other = await DPoPClient.make()

interface Api {
  readonly port: number
  send(lines: readonly string[], request?: { method?: string; path?: string }): Promise<RawResponse>
}

async function start(
  t: Test,
  dpop: PluginOptions['dpop'] = { baseUrl: BASE },
  rest: Partial<PluginOptions> = {},
  server: FastifyServerOptions = {},
): Promise<Api> {
  const app = await protectedApi(t, { dpop: dpop as NonNullable<typeof dpop>, ...rest }, server)
  const response = async () => ({ ok: true })
  app.get('/', response)
  app.post('/', response)
  app.get('/a/:b', response)
  app.get('/bearer', { config: { auth: { dpop: 'off' } } }, response)
  if (dpop !== false) app.get('/bound', { config: { auth: { dpop: 'required' } } }, response)
  app.get('/scoped', { config: { auth: { scope: 'admin' } } }, response)
  app.get('/open', { config: { auth: false } }, response)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return { port, send: (lines, request = {}) => rawRequest(port, { ...request, lines }) }
}

function bound(to: DPoPClient = client, claims = {}): Promise<string> {
  return tokenOf({ cnf: { jkt: to.jkt }, ...claims })
}

/** Returns the headers of a request with a key-bound token and a proof. */
async function proven(what: ProofFor = {}, parts: ProofParts = {}): Promise<string[]> {
  const token = what.token ?? (await bound())
  const proof = await client.proof({ url: `${BASE}/`, ...what, token }, parts)
  return [`Authorization: DPoP ${token}`, `DPoP: ${proof}`]
}

function rejection(
  t: Test,
  response: RawResponse,
  error: string,
  description: string,
  what = error,
) {
  t.equal(response.status, 401, what)
  t.same(
    response.headers['www-authenticate'],
    [`DPoP realm="api", error="${error}", error_description="${description}", algs="${ALL}"`],
    what,
  )
}

t.test('P1: accepts a token with a proof signed by the key it is bound to', async (t) => {
  const { send } = await start(t)
  t.equal((await send(await proven())).status, 200)
  const post = { method: 'POST', path: '/' }
  t.equal((await send(await proven({ method: 'POST' }), post)).status, 200)
  const query = await send(await proven(), { path: '/?a=1' })
  t.equal(query.status, 200, 'the query is not part of htu')
  const [authorization = '', proof = ''] = await proven()
  const spelt = await send([authorization.replace('DPoP', 'dpOp'), proof.replace('DPoP', 'dpop')])
  t.equal(spelt.status, 200, 'schemes and header names are case-insensitive')
})

for (const alg of ALL.split(' ')) {
  t.test(`P1: a proof signed with ${alg}`, async (t) => {
    const { send } = await start(t)
    const holder = await DPoPClient.make(alg)
    const token = await bound(holder)
    const proof = await holder.proof({ url: `${BASE}/`, token })
    const lines = [`Authorization: DPoP ${token}`, `DPoP: ${proof}`]
    t.equal((await send(lines)).status, 200)
  })
}

t.test('P1.1: requires exactly one DPoP header', async (t) => {
  const { send } = await start(t)
  const [authorization = '', proof = ''] = await proven()
  rejection(t, await send([authorization]), 'invalid_dpop_proof', 'The request has no DPoP proof')
  const [, second = ''] = await proven()
  for (const lines of [
    [authorization, proof, second],
    [authorization, proof, proof],
    [authorization, 'DPoP: ', proof],
  ]) {
    const more = 'The request has more than one DPoP proof'
    rejection(t, await send(lines), 'invalid_dpop_proof', more)
  }
  const joined = `${proof}, ${second.slice('DPoP: '.length)}`
  rejection(t, await send([authorization, joined]), 'invalid_dpop_proof', MALFORMED, 'in one line')
})

const MALFORMED = 'The DPoP proof is malformed'
const TYPE = 'The DPoP proof has the wrong type'
const ALGORITHM = 'The DPoP proof is signed with an algorithm that is not allowed'
const KEY = 'The key of the DPoP proof cannot be used'
const SIGNATURE = 'The signature of the DPoP proof is invalid'
const METHOD = 'The DPoP proof is for another method'
const URL_ = 'The DPoP proof is for another URL'
const TOKEN = 'The DPoP proof is for another access token'

/** Proofs with one error each. */
const BAD: Readonly<Record<string, [description: string, parts: ProofParts]>> = {
  'P1.3: no jti': [MALFORMED, { claims: { jti: undefined } }],
  'P1.3: an empty jti': [MALFORMED, { claims: { jti: '' } }],
  'P1.3: a jti that is a number': [MALFORMED, { claims: { jti: 7 } }],
  'P1.3: no htm': [MALFORMED, { claims: { htm: undefined } }],
  'P1.3: no htu': [MALFORMED, { claims: { htu: undefined } }],
  'P1.3: no iat': [MALFORMED, { claims: { iat: undefined } }],
  'P1.3: an iat in a string': [MALFORMED, { claims: { iat: `${seconds()}` } }],
  'P1.3: a nonce that is none': [MALFORMED, { claims: { nonce: 1 } }],
  'P1.3: an ath that is none': [MALFORMED, { claims: { ath: ['x'] } }],
  'P1.3: no object': [MALFORMED, { payload: '[]' }],
  'P1.3: a member twice': [MALFORMED, { payload: '{"jti":"a","jti":"b"}' }],
  'P1.4: no typ': [TYPE, { header: { typ: undefined } }],
  'P1.4: the typ of an access token': [TYPE, { header: { typ: 'at+jwt' } }],
  'P1.4: a typ with application/ inside of it': [TYPE, { header: { typ: 'dpop+application/jwt' } }],
  'P1.6: no jwk': [KEY, { header: { jwk: undefined } }],
  'P1.6: a jwk that is no object': [KEY, { header: { jwk: 'x' } }],
  'P1.6: a jwk of an unknown kind': [KEY, { header: { jwk: { kty: 'XYZ' } } }],
  'P1.6: a jwk without its members': [KEY, { header: { jwk: { kty: 'EC', crv: 'P-256' } } }],
  'P1.6: a jwk for another algorithm': [KEY, { header: { jwk: { ...client.jwk, alg: 'ES384' } } }],
  'P1.6: a symmetric key': [KEY, { header: { jwk: { kty: 'oct', k: 'AAAA' } } }],
  'P1.8: the method in lower case': [METHOD, { claims: { htm: 'get' } }],
  'P1.8: another method': [METHOD, { claims: { htm: 'POST' } }],
  'P1.9: another host': [URL_, { claims: { htu: 'https://evil.example/' } }],
  'P1.9: another scheme': [URL_, { claims: { htu: 'http://api.example/' } }],
  'P1.9: another port': [URL_, { claims: { htu: 'https://api.example:8443/' } }],
  'P1.9: another path': [URL_, { claims: { htu: 'https://api.example/a' } }],
  'P1.9: credentials in it': [URL_, { claims: { htu: 'https://api.example@evil.example/' } }],
  'P1.9: a user in it': [URL_, { claims: { htu: 'https://user@api.example/' } }],
  'P1.9: a line break in it': [URL_, { claims: { htu: 'https://api.exam\nple/' } }],
  'P1.9: a backslash in it': [URL_, { claims: { htu: 'https:\\\\api.example\\' } }],
  'P1.9: no URL': [URL_, { claims: { htu: '/' } }],
  'P1.11: too old': ['The DPoP proof is too old', { claims: { iat: seconds() - 92 } }],
  'P1.11: from the future': [
    'The DPoP proof was made in the future',
    { claims: { iat: seconds() + 300 } },
  ],
  'P1.11: from the far future': [
    'The DPoP proof was made in the future',
    { claims: { iat: 1e300 } },
  ],
  'P1.12: without ath': [TOKEN, { claims: { ath: undefined } }],
  'P1.12: ath of another token': [TOKEN, { claims: { ath: 'A'.repeat(43) } }],
  'P1.7: signed with another key than it carries': [SIGNATURE, { signer: other.key }],
}

t.test('P1: rejects a proof with one error', async (t) => {
  const { send } = await start(t)
  for (const [what, [description, parts]] of Object.entries(BAD)) {
    rejection(t, await send(await proven({}, parts)), 'invalid_dpop_proof', description, what)
  }
  t.equal((await send(await proven())).status, 200, 'a valid proof is still accepted')
})

t.test('P1.2: rejects a proof that is not one well-formed JWT', async (t) => {
  const { send } = await start(t)
  const [authorization = '', line = ''] = await proven()
  const proof = line.slice('DPoP: '.length)
  const [header = '', payload = '', signature = ''] = proof.split('.')
  for (const odd of [
    'x',
    'a.b',
    `${proof}.x`,
    `${header}=.${payload}.${signature}`,
    `${header}.${payload}.${signature}=`,
    `${header}.${payload}.!`,
    `${base64url('[]')}.${payload}.${signature}`,
    `${base64url('{"typ":"dpop+jwt","typ":"dpop+jwt"}')}.${payload}.${signature}`,
    `${header}.${payload}.${'A'.repeat(12_288)}`,
    `${proof} ${proof}`,
    `"${proof}"`,
  ]) {
    rejection(t, await send([authorization, `DPoP: ${odd}`]), 'invalid_dpop_proof', MALFORMED, odd)
  }
  const short = Buffer.from(signature, 'base64url').subarray(0, -1).toString('base64url')
  const cut = `${header}.${payload}.${short}`
  rejection(t, await send([authorization, `DPoP: ${cut}`]), 'invalid_dpop_proof', SIGNATURE)
  rejection(t, await send([authorization, 'DPoP:']), 'invalid_dpop_proof', MALFORMED, 'empty')
})

t.test('P1.4: compares typ as a media type', async (t) => {
  const { send } = await start(t)
  for (const typ of ['DPoP+JWT', 'application/dpop+jwt']) {
    t.equal((await send(await proven({}, { header: { typ } }))).status, 200, typ)
  }
})

t.test('P1.5: alg must be asymmetric, allowed, and that of the key', async (t) => {
  const { send } = await start(t)
  const token = await bound()
  const claims = base64url({
    jti: 'forged',
    htm: 'GET',
    htu: `${BASE}/`,
    iat: seconds(),
    ath: 'A'.repeat(43),
  })
  for (const alg of ['none', 'HS256', 'ES256K', 'A128KW', '', 7, undefined, 'constructor']) {
    const header = base64url({ typ: 'dpop+jwt', alg, jwk: client.jwk })
    const lines = [`Authorization: DPoP ${token}`, `DPoP: ${header}.${claims}.AAAA`]
    rejection(t, await send(lines), 'invalid_dpop_proof', ALGORITHM, `${alg}`)
  }
  const header = base64url({ typ: 'dpop+jwt', alg: 'RS256', jwk: client.jwk })
  const confused = [`Authorization: DPoP ${token}`, `DPoP: ${header}.${claims}.AAAA`]
  rejection(t, await send(confused), 'invalid_dpop_proof', KEY, 'RS256 with a curve')

  const narrow = await start(t, { baseUrl: BASE, algorithms: ['EdDSA'] })
  const { status, headers } = await narrow.send(await proven())
  t.equal(status, 401)
  t.match(headers['www-authenticate'], [
    /error_description="The DPoP proof is signed.*algs="EdDSA"/,
  ])
})

t.test('P1.6: rejects a proof with a private key, and does not disclose it', async (t) => {
  const { send } = await start(t)
  const jwk = await client.privateJwk()
  rejection(t, await send(await proven({}, { header: { jwk } })), 'invalid_dpop_proof', KEY)
  const odd = { ...client.jwk, p: 'AQAB' }
  rejection(t, await send(await proven({}, { header: { jwk: odd } })), 'invalid_dpop_proof', KEY)
})

t.test('J14: rejects RSA keys of 1024 bits, and oversized ones', async (t) => {
  const { send } = await start(t)
  for (const [bits, found] of [
    [1024, KEY],
    [4096, TOKEN],
    [4104, KEY],
    [8192, KEY],
  ] as const) {
    const n = Buffer.alloc(bits / 8, 0xc5).toString('base64url')
    const jwk = { kty: 'RSA', e: 'AQAB', n }
    const { calculateJwkThumbprint } = await import('jose')
    const token = await tokenOf({ cnf: { jkt: await calculateJwkThumbprint(jwk) } })
    const header = base64url({ typ: 'dpop+jwt', alg: 'RS256', jwk })
    const claims = base64url({ jti: 'x', htm: 'GET', htu: `${BASE}/`, iat: seconds(), ath: 'x' })
    const lines = [`Authorization: DPoP ${token}`, `DPoP: ${header}.${claims}.AAAA`]
    rejection(t, await send(lines), 'invalid_dpop_proof', found, `${bits}`)
  }
})

t.test('J10: rejects a proof with a critical extension', async (t) => {
  const { send } = await start(t)
  const token = await bound()
  const payload = base64url({ jti: 'x', htm: 'GET', htu: `${BASE}/`, iat: seconds() })
  for (const extension of [{ crit: ['exp'], exp: 1 }, { b64: false }]) {
    const header = base64url({ typ: 'dpop+jwt', alg: 'ES256', jwk: client.jwk, ...extension })
    const lines = [`Authorization: DPoP ${token}`, `DPoP: ${header}.${payload}.AAAA`]
    rejection(t, await send(lines), 'invalid_dpop_proof', MALFORMED)
  }
})

t.test('P1.9: accepts equivalent spellings of the URL', async (t) => {
  const { send } = await start(t)
  for (const htu of [
    'https://api.example',
    'HTTPS://API.EXAMPLE/',
    'https://api.example:443/',
    'https://api.example/?query#fragment',
    'https://api.example/a/..',
  ]) {
    t.equal((await send(await proven({}, { claims: { htu } }))).status, 200, htu)
  }
  for (const htu of ['/a/%7Ex', '/a/~x', '/a/./%7ex', '/%61/~x']) {
    const lines = await proven({}, { claims: { htu: `${BASE}${htu}` } })
    t.equal((await send(lines, { path: '/a/~x' })).status, 200, htu)
  }
  for (const htu of ['/a/~X', '/a/%2Fx', '/a//~x', '/a/~x/']) {
    const lines = await proven({}, { claims: { htu: `${BASE}${htu}` } })
    rejection(t, await send(lines, { path: '/a/~x' }), 'invalid_dpop_proof', URL_, htu)
  }
})

t.test('P1.12: the token must be bound to the key of the proof', async (t) => {
  const { send } = await start(t)
  const token = await bound(other)
  const proof = await client.proof({ url: `${BASE}/`, token })
  const response = await send([`Authorization: DPoP ${token}`, `DPoP: ${proof}`])
  const description = 'The access token is bound to a different key than the DPoP proof'
  rejection(t, response, 'invalid_token', description)
  t.equal((await send(await proven())).status, 200)
  const known = await send([`Authorization: DPoP ${token}`, `DPoP: ${proof}`])
  rejection(t, known, 'invalid_token', description, 'with a key that is known by now as well')
})

t.test('P2: challenges for a missing scope in the scheme that was used', async (t) => {
  const { send } = await start(t)
  const response = await send(await proven({ url: `${BASE}/scoped` }), { path: '/scoped' })
  t.equal(response.status, 403)
  t.match(response.headers['www-authenticate'], [
    /^DPoP realm="api", error="insufficient_scope", .*, scope="admin", algs="RS256 /,
  ])
})

t.test('P3: offers both schemes, without an error, to a request without credentials', async (t) => {
  const { send } = await start(t)
  const both = ['Bearer realm="api"', `DPoP realm="api", algs="${ALL}"`]
  for (const lines of [[], ['Authorization: Basic x'], ['Authorization: DPoPx y']]) {
    const { status, headers } = await send(lines)
    t.equal(status, 401)
    t.same(headers['www-authenticate'], both)
  }
  const { headers } = await send([], { path: '/bound' })
  t.same(
    headers['www-authenticate'],
    [`DPoP realm="api", algs="${ALL}"`],
    'where a proof is required',
  )
  const off = await send([], { path: '/bearer' })
  t.same(off.headers['www-authenticate'], ['Bearer realm="api"'], 'where it is off')
})

t.test('P3: rejects a request with both schemes as malformed', async (t) => {
  const { send } = await start(t)
  const token = await bound()
  for (const lines of [
    [`Authorization: Bearer ${token}`, `Authorization: DPoP ${token}`],
    [`Authorization: DPoP ${token}, Bearer ${token}`],
    ['Authorization: DPoP'],
    ['Authorization: DPoP '],
    [`Authorization: DPoP ${token} ${token}`],
    ['Authorization: DPoP \xe9'],
  ]) {
    t.equal((await send(lines)).status, 400, lines.join())
  }
})

t.test('P3: rejects a bound token sent as Bearer, with and without a proof', async (t) => {
  const { send } = await start(t)
  const [authorization = '', proof = ''] = await proven()
  const asBearer = authorization.replace('DPoP', 'Bearer')
  for (const lines of [[asBearer], [asBearer, proof]]) {
    const { status, headers } = await send(lines)
    t.equal(status, 401)
    t.same(headers['www-authenticate'], [
      'Bearer realm="api", error="invalid_token", error_description="The access token is bound to a key and must be sent with a DPoP proof"',
      `DPoP realm="api", algs="${ALL}"`,
    ])
  }
})

t.test('P3: rejects a bearer token sent as DPoP, even with a valid proof', async (t) => {
  const { send } = await start(t)
  const token = await tokenOf()
  const response = await send(await proven({ token }))
  rejection(t, response, 'invalid_token', 'The access token is not bound to a key')
  t.equal((await send([`Authorization: Bearer ${token}`])).status, 200, 'and accepted as Bearer')
})

t.test('P3: rejects a bearer token where DPoP is required', async (t) => {
  for (const { send, path } of [
    { ...(await start(t)), path: '/bound' },
    { ...(await start(t, { mode: 'required', baseUrl: BASE })), path: '/' },
  ]) {
    const response = await send([`Authorization: Bearer ${await tokenOf()}`], { path })
    const description = 'A DPoP-bound access token is required'
    rejection(t, response, 'invalid_token', description)
    const valid = await send(await proven({ url: `${BASE}${path}` }), { path })
    t.equal(valid.status, 200)
  }
})

t.test('P3: rejects bound tokens and the scheme DPoP where DPoP is off', async (t) => {
  for (const { send, path } of [
    { ...(await start(t)), path: '/bearer' },
    { ...(await start(t, false)), path: '/a/b' },
  ]) {
    const lines = await proven({ url: `${BASE}${path}` })
    const asBearer = [lines[0]?.replace('DPoP', 'Bearer') as string, lines[1] as string]
    const { status, headers } = await send(asBearer, { path })
    t.equal(status, 401)
    t.match(headers['www-authenticate'], [/^Bearer realm="api", error="invalid_token"/])
    const asDPoP = await send(lines, { path })
    t.same(asDPoP.headers['www-authenticate'], ['Bearer realm="api"'], 'not a supported scheme')
  }
})

t.test('rejects a token bound by an unsupported mechanism', async (t) => {
  const { send } = await start(t)
  for (const cnf of [
    {},
    null,
    'x',
    [],
    { jwk: client.jwk },
    { kid: 'x' },
    { jkt: 7 },
    { jkt: '' },
    { jkt: `${client.jkt}=` },
    { jkt: client.jkt.slice(1) },
    { 'x5t#S256': client.jkt },
    { jkt: client.jkt, 'x5t#S256': client.jkt },
  ]) {
    const token = await tokenOf({ cnf })
    const response = await send(await proven({ token }))
    t.equal(response.status, 401, JSON.stringify(cnf))
    t.match(response.headers['www-authenticate'], [/^DPoP realm="api", error="invalid_token"/])
    const bearer = await send([`Authorization: Bearer ${token}`])
    t.equal(bearer.status, 401, `${JSON.stringify(cnf)} as Bearer`)
  }
  const more = await bound(client, { cnf: { jkt: client.jkt, unknown: true } })
  t.equal(
    (await send(await proven({ token: more }))).status,
    200,
    'RFC 7800 §3.1: other members are ignored',
  )
})

t.test('P5: accepts a proof once', async (t) => {
  const { send } = await start(t)
  const lines = await proven()
  t.equal((await send(lines)).status, 200)
  rejection(t, await send(lines), 'invalid_dpop_proof', 'The DPoP proof was used before')
  const twin = await proven({}, { claims: { jti: 'twin' } })
  t.equal((await send(twin)).status, 200)
  const again = await proven({}, { claims: { jti: 'twin' } })
  rejection(t, await send(again), 'invalid_dpop_proof', 'The DPoP proof was used before', 'its jti')
  const token = await bound(other)
  const proof = await other.proof({ url: `${BASE}/`, token }, { claims: { jti: 'twin' } })
  const others = await send([`Authorization: DPoP ${token}`, `DPoP: ${proof}`])
  t.equal(others.status, 200, "another client's equal jti is distinct")
})

t.test('P5: a proof rejected for another reason can be used again', async (t) => {
  const { send } = await start(t)
  const claims = { jti: 'mine' }
  await send(await proven({}, { claims: { ...claims, htm: 'POST' } }))
  await send(await proven({}, { claims, signer: other.key }))
  t.equal((await send(await proven({}, { claims }))).status, 200)
})

t.test('P5: accepts exactly one of 2,000 concurrent replays', async (t) => {
  const token = await bound()
  const dpop = await client.proof({ url: `${BASE}/`, token })
  const headers = { authorization: `DPoP ${token}`, dpop }
  // The clock stands still: on a busy machine these requests take longer than a proof is valid.
  const now = Date.now()
  const app = await protectedApi(t, { dpop: { baseUrl: BASE }, now: () => now })
  app.get('/', async () => 'ok')
  const responses = await Promise.all(
    Array.from({ length: 2_000 }, () => app.inject({ url: '/', headers })),
  )
  t.equal(responses.filter(({ statusCode }) => statusCode === 200).length, 1)
  t.equal(responses.filter(({ statusCode }) => statusCode === 401).length, 1_999)
})

t.test('P5: a full replay cache rejects, and evicts nothing', async (t) => {
  const clock = { now: Date.now() }
  const app = await protectedApi(t, {
    dpop: { baseUrl: BASE, replay: { maxEntries: 1_000, maxEntriesPerKey: 2_000 } },
    now: () => clock.now,
  })
  app.get('/', async () => 'ok')
  const token = await bound()
  const send = async (jti: string) => {
    const dpop = await client.proof(
      { url: `${BASE}/`, token },
      { claims: { jti, iat: seconds(clock.now) } },
    )
    return app.inject({ url: '/', headers: { authorization: `DPoP ${token}`, dpop } })
  }
  const first = await Promise.all(Array.from({ length: 1_000 }, (_, i) => send(`${i}`)))
  t.ok(first.every(({ statusCode }) => statusCode === 200))
  const full = await send('one more')
  t.equal(full.statusCode, 503)
  t.equal(full.headers['retry-after'], '1')
  t.equal((await send('0')).statusCode, 401, 'cached proofs are still rejected')
  clock.now += 181_000
  t.equal((await send('one more')).statusCode, 200, 'and free capacity once they are stale')
})

t.test('P1.11: applies the configured window and tolerance', async (t) => {
  const clock = { now: Date.now() }
  const options = { clockTolerance: 5, now: () => clock.now }
  const { send } = await start(t, { baseUrl: BASE, maxProofAge: 10 }, options)
  clock.now += 60_000
  const at = async (offset: number) =>
    (await send(await proven({}, { claims: { iat: seconds(clock.now) + offset } }))).status
  t.equal(await at(-14), 200)
  t.equal(await at(-15), 401)
  t.equal(await at(5), 200)
  t.equal(await at(6), 401)
})

t.test('P4: requires nonces', async (t) => {
  const clock = { now: Date.now() }
  const secret = 'a secret of at least thirty-two bytes'
  const options = { now: () => clock.now }
  const api = (secrets: string | string[]) =>
    start(t, { baseUrl: BASE, nonce: { secret: secrets, lifetime: 100 } }, options)
  const [one, two] = [
    await api(secret),
    await api(['a newer secret of thirty-two bytes..', secret]),
  ]
  const token = await bound(client, { exp: seconds() + 172_800 })
  const make = (nonce?: string) => proven({ token, nonce }, { claims: { iat: seconds(clock.now) } })
  const NONCE = 'A DPoP nonce is required: retry with the value of the DPoP-Nonce header'

  const without = await one.send(await make())
  rejection(t, without, 'use_dpop_nonce', NONCE)
  const [nonce = ''] = without.headers['dpop-nonce'] ?? []
  t.match(nonce, /^[\w-]{43}$/, 'unpredictable')

  const valid = await one.send(await make(nonce))
  t.equal(valid.status, 200)
  t.equal(valid.headers['dpop-nonce'], undefined, 'the challenge has the newest nonce')
  t.equal((await two.send(await make(nonce))).status, 200, 'every instance accepts it')
  const [newer] = (await two.send(await make(nonce))).headers['dpop-nonce'] ?? []
  t.match(newer, /^[\w-]{43}$/, 'and sends its own')
  t.not(newer, nonce)

  const wide = String.fromCharCode(nonce.charCodeAt(0) + 256) + nonce.slice(1)
  for (const odd of ['x', `${nonce}x`, nonce.toLowerCase(), wide, newer as string]) {
    const response = await one.send(await make(odd))
    rejection(t, response, 'use_dpop_nonce', NONCE, odd)
    t.same(response.headers['dpop-nonce'], [nonce])
  }
  const missing = await one.send([])
  t.same(
    missing.headers['dpop-nonce'],
    [nonce],
    'a client may get a nonce with the first challenge',
  )

  clock.now += 100_000
  const rotated = await one.send(await make(nonce))
  t.equal(rotated.status, 200, 'the previous nonce is still accepted')
  const [next = ''] = rotated.headers['dpop-nonce'] ?? []
  t.not(next, nonce, 'and the client gets the newest one (§8.2)')
  t.equal((await one.send(await make(next))).status, 200)
  clock.now -= 100_000
  t.equal(
    (await one.send(await make(next))).status,
    200,
    'an instance with a slow clock accepts it as well',
  )
  clock.now += 86_400_000
  rejection(t, await one.send(await make(nonce)), 'use_dpop_nonce', NONCE, "yesterday's")
})

t.test('E31: forbids caching of a response with a nonce', async (t) => {
  const clock = { now: Date.now() }
  const app = await protectedApi(t, {
    dpop: { baseUrl: BASE, nonce: { secret: Buffer.alloc(32, 1), lifetime: 100 } },
    now: () => clock.now,
  })
  app.get('/', async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=60')
    return 'ok'
  })
  const token = await bound()
  const send = async (nonce?: string) => {
    const claims = { iat: seconds(clock.now) }
    const dpop = await client.proof({ url: `${BASE}/`, token, nonce }, { claims })
    const { headers } = await app.inject({
      url: '/',
      headers: { authorization: `DPoP ${token}`, dpop },
    })
    return { nonce: headers['dpop-nonce'] as string, caching: headers['cache-control'] }
  }
  const rejected = await send()
  t.equal(rejected.caching, 'no-store', 'a 401')
  t.match(await send(rejected.nonce), { nonce: undefined, caching: 'public, max-age=60' })
  clock.now += 100_000
  const rotated = await send(rejected.nonce)
  t.ok(rotated.nonce)
  t.equal(rotated.caching, 'no-store', 'a 200, regardless of its handler')
})

t.test('E31: rotates the nonce secret in three steps while instances run', async (t) => {
  const [older, newer] = ['an old secret of thirty-two bytes', 'a new secret of thirty-two bytes.']
  const clock = { now: Date.now() }
  const token = await bound()
  const instanceWith = (secret: string[]) =>
    start(t, { baseUrl: BASE, nonce: { secret, lifetime: 100 } }, { now: () => clock.now })
  for (const [before, after] of [
    [[older], [older, newer]],
    [
      [older, newer],
      [newer, older],
    ],
    [[newer, older], [newer]],
  ] as const) {
    const instances = [await instanceWith([...before]), await instanceWith([...after])]
    const send = async (to: number, nonce?: string) => {
      const claims = { iat: seconds(clock.now) }
      return (instances[to] as (typeof instances)[0]).send(
        await proven({ token, nonce }, { claims }),
      )
    }
    for (const [from, to] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const [nonce] = (await send(from)).headers['dpop-nonce'] ?? []
      t.equal((await send(to, nonce)).status, 200, `${before} and ${after}, from ${from}`)
    }
  }
})

t.test('P4: requires and sends no nonce for a bearer token', async (t) => {
  const { send } = await start(t, { baseUrl: BASE, nonce: { secret: Buffer.alloc(32, 1) } })
  const valid = await send([`Authorization: Bearer ${await tokenOf()}`])
  t.equal(valid.status, 200)
  t.equal(valid.headers['dpop-nonce'], undefined)
  const invalidProof = await send([`Authorization: Bearer ${await tokenOf({ exp: 1 })}`])
  t.equal(invalidProof.headers['dpop-nonce'], undefined)
})

t.test('P7: uses the configured URL, regardless of Host', async (t) => {
  const { send } = await start(t, { baseUrl: [`${BASE}/v1/`, 'http://internal:8080'] })
  const ok = async (url: string) => (await send(await proven({ url }))).status
  t.equal(await ok(`${BASE}/v1/`), 200, 'with the prefix that the proxy removes')
  t.equal(await ok('http://internal:8080/'), 200)
  t.equal(await ok(`${BASE}/`), 401)
  const lines = await proven({ url: 'https://evil.example/' })
  const spoofed = ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https']
  t.equal((await send([...lines, ...spoofed])).status, 401)
})

t.test('P7: uses the URL of a trusted proxy', async (t) => {
  const { send } = await start(t, 'allowed', {}, { trustProxy: '127.0.0.1' })
  const forwarded = ['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Proto: https']
  const through = async (host: string, url: string) =>
    (await send([...(await proven({ url })), ...forwarded, `X-Forwarded-Host: ${host}`])).status
  t.equal(await through('api.example', `${BASE}/`), 200)
  t.equal(await through('api.example:8443', `${BASE}:8443/`), 200, 'with its port')
  t.equal(await through('evil.example, api.example', `${BASE}/`), 200, 'the nearest proxy counts')
  t.equal(await through('evil.example', `${BASE}/`), 401)
  t.equal(await through('api.example/a/..', `${BASE}/`), 401, 'and only a host is accepted')
  t.equal(await through('user@api.example', `${BASE}/`), 401)
  const direct = await send([...(await proven({ url: 'http://api.example/' })), ...forwarded])
  t.equal(direct.status, 401, "never the caller's Host")

  const away = await start(t, 'allowed', {}, { trustProxy: '10.0.0.0/8' })
  const spoofed = [...forwarded, 'X-Forwarded-Host: api.example']
  const lines = [...(await proven({ url: `${BASE}/` })), ...spoofed]
  t.equal((await away.send(lines)).status, 401, 'never from an untrusted sender')
})

t.test('P7: responds to a bound token with 500 if neither is configured', async (t) => {
  const app = await protectedApi(t, { dpop: 'allowed' })
  app.get('/', async () => 'ok')
  const token = await bound()
  const dpop = await client.proof({ token, url: 'http://localhost/' })
  const response = await app.inject({ url: '/', headers: { authorization: `DPoP ${token}`, dpop } })
  t.equal(response.statusCode, 500)
  t.match(response.json().message, 'Set "dpop.baseUrl"')
  const bearer = { authorization: `Bearer ${await tokenOf()}` }
  t.equal((await app.inject({ url: '/', headers: bearer })).statusCode, 200)
})

t.test('P7: uses the connection on loopback', async (t) => {
  const { port, send } = await start(t, 'allowed')
  const ok = async (url: string) => (await send(await proven({ url }))).status
  t.equal(await ok(`http://127.0.0.1:${port}/`), 200)
  t.equal(await ok(`http://localhost:${port}/`), 200)
  t.equal(await ok('http://api.example/'), 401, "and not the caller's Host")
  t.equal(await ok(`https://127.0.0.1:${port}/`), 401)
})

t.test('P7: rejects a proof for a request target in absolute form', async (t) => {
  const { port } = await start(t)
  const lines = await proven({ url: 'http://evil.example/' })
  const response = await rawRequest(port, { path: 'http://evil.example/', lines })
  t.not(response.status, 200)
})

t.test('imports the key of a returning client once', async (t) => {
  const app = await protectedApi(t, { dpop: { baseUrl: BASE } })
  app.get('/', async () => 'ok')
  const { subtle } = globalThis.crypto
  const original = subtle.importKey
  let imports = 0
  t.teardown(() => Reflect.set(subtle, 'importKey', original))
  Reflect.set(subtle, 'importKey', function importKey(...args: unknown[]) {
    imports++
    return Reflect.apply(original, subtle, args)
  })
  const token = await bound()
  for (let i = 0; i < 5; i++) {
    const dpop = await client.proof({ url: `${BASE}/`, token })
    const before = imports
    const headers = { authorization: `DPoP ${token}`, dpop }
    t.equal((await app.inject({ url: '/', headers })).statusCode, 200)
    t.equal(imports - before, i === 0 ? 1 : 0)
  }
  const long = { header: { padding: 'x'.repeat(2_048) } }
  for (let i = 0; i < 2; i++) {
    const dpop = await client.proof({ url: `${BASE}/`, token }, long)
    const before = imports
    const headers = { authorization: `DPoP ${token}`, dpop }
    t.equal((await app.inject({ url: '/', headers })).statusCode, 200)
    t.equal(imports - before, 0, 'even for a header that is too long to cache')
  }
})

t.test('no response or log line contains any part of a proof', async (t) => {
  const lines: string[] = []
  const logger = { level: 'trace', stream: { write: (line: string) => void lines.push(line) } }
  const app = await protectedApi(t, { dpop: { baseUrl: BASE } }, { logger })
  app.get('/', async () => 'ok')
  const token = await bound()
  for (const claims of [
    { htu: 'https://secret.example/' },
    { jti: 'secret-jti' },
    { ath: 'secret' },
  ]) {
    const dpop = await client.proof({ url: `${BASE}/`, token }, { claims })
    const response = await app.inject({
      url: '/',
      headers: { authorization: `DPoP ${token}`, dpop },
    })
    const text = `${response.payload}${JSON.stringify(response.headers)}${lines.join('')}`
    t.notMatch(text, /secret/)
    t.notMatch(text, client.jkt)
  }
})

t.test('no reason contains the query of the request', async (t) => {
  const found: (string | undefined)[] = []
  const onReject: PluginOptions['onReject'] = ({ expected }) => void found.push(expected)
  const { send } = await start(t, { baseUrl: BASE }, { onReject })
  const lines = await proven({ url: `${BASE}/other` })
  t.equal((await send(lines, { path: '/?code=secret' })).status, 401)
  t.strictSame(found, [`"htu": ${BASE}/`])
})

t.test('rejects a route requirement whose option is off', async (t) => {
  const app = await protectedApi(t)
  for (const auth of [{ dpop: 'required' }, { mtls: 'allowed' }, { dpop: 'on' }, { dpop: true }]) {
    t.throws(() => app.get('/x', { config: { auth: auth as never } }, async () => ''), {
      name: 'TypeError',
    })
  }
})
