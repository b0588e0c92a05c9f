import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import { decodeJwt, decodeProtectedHeader, EmbeddedJWK, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import resourceServer, { type DPoPOptions } from '../../src/index.js'
import {
  createAuthorizationServer,
  type DPoPFetchOptions,
  dpopFetch,
  dpopProof,
  generateDPoPKey,
} from '../../src/testing/index.js'
import { cannedServer, respondWith } from './fixtures/canned-server.js'

const server = await createAuthorizationServer({ algorithm: 'ES256' })
t.teardown(() => server.close())
const key = await generateDPoPKey()
const accessToken = await server.issueToken({ sub: 'ada' }, { confirmation: { key } })

/** Starts an API on a port that is known in advance, because proofs contain its URL. */
async function protectedApi(t: Test, dpop: DPoPOptions = {}): Promise<string> {
  const probe = await createAuthorizationServer({ algorithm: 'ES256' })
  const { url } = probe
  await probe.close()
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(resourceServer, {
    issuer: server.issuer,
    audience: 'api://default',
    dpop: { mode: 'required', baseUrl: url, ...dpop },
  })
  app.get('/me', async (request) => ({ sub: request.claims.sub }))
  app.post('/echo', async ({ body, headers }) => ({ body, type: headers['content-type'] }))
  await app.listen({ port: Number(new URL(url).port), host: '127.0.0.1' })
  return url
}

t.test('P1: sends a new proof with each request', async (t) => {
  const api = await protectedApi(t)
  const fetch = dpopFetch({ accessToken, key })
  for (const path of ['/me', '/me?page=1#top', new URL(`${api}/me`)]) {
    const response = await fetch(path instanceof URL ? path : api + path)
    t.equal(response.status, 200)
    t.same(await response.json(), { sub: 'ada' })
  }
  const posted = await fetch(
    new Request(`${api}/echo`, {
      method: 'post',
      headers: { 'content-type': 'text/plain' },
      body: 'a',
    }),
  )
  t.same(await posted.json(), { body: 'a', type: 'text/plain' })
  t.equal((await globalThis.fetch(`${api}/me`)).status, 401)
})

t.test('P1: returns the rejection of a proof with another key', async (t) => {
  const api = await protectedApi(t)
  const fetch = dpopFetch({ accessToken, key: await generateDPoPKey() })
  const response = await fetch(`${api}/me`)
  t.equal(response.status, 401)
  t.match(response.headers.get('www-authenticate'), /^DPoP .*error="invalid_/)
  t.type(await response.text(), 'string')
})

t.test('P4: repeats a request once, with its body, to add the nonce of the API', async (t) => {
  const api = await protectedApi(t, { nonce: { secret: randomBytes(32) } })
  let sent = 0
  const counting: typeof globalThis.fetch = (input, init) => {
    sent += 1
    return globalThis.fetch(input, init)
  }
  const fetch = dpopFetch({ accessToken, key, fetch: counting })
  const init = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }
  const first = await fetch(`${api}/echo`, init)
  t.same(await first.json(), { body: { a: 1 }, type: 'application/json' })
  t.equal(sent, 2)
  t.equal((await fetch(`${api}/me`)).status, 200)
  t.equal(sent, 3, 'remembered')
})

const demand = { 'www-authenticate': 'DPoP error="use_dpop_nonce"' }

t.test('P4: keeps the latest nonce of each origin', async (t) => {
  let nonce = 0
  const listener = (status: number, headers: object) =>
    respondWith(status, {}, { 'dpop-nonce': `n${++nonce}`, ...headers })
  let challenge = true
  const one = await cannedServer(t, (request, response) => {
    listener(challenge ? 401 : 200, challenge ? demand : {})(request, response)
    challenge = false
  })
  const two = await cannedServer(t, respondWith(200, {}))
  const fetch = dpopFetch({ accessToken, key })
  for (const url of [one.url, one.url, two.url, one.url]) await fetch(url)
  const nonces = (seen: typeof one.seen) =>
    seen.map(({ headers }) => decodeJwt(headers.dpop as string).nonce)
  t.same(nonces(one.seen), [undefined, 'n1', 'n2', 'n3'])
  t.same(nonces(two.seen), [undefined])
  t.equal(new Set(one.seen.map(({ headers }) => headers.dpop)).size, 4)
  t.ok(one.seen.every(({ headers }) => headers.authorization === `DPoP ${accessToken}`))
})

t.test('P4: sends a request at most twice', async (t) => {
  const { url, seen } = await cannedServer(
    t,
    respondWith(401, { no: 1 }, { ...demand, 'dpop-nonce': 'n' }),
  )
  const response = await dpopFetch({ accessToken, key })(url)
  t.equal(response.status, 401)
  t.same(await response.json(), { no: 1 }, 'the body is still readable')
  t.equal(seen.length, 2)
})

t.test('does not repeat a request after another rejection', async (t) => {
  for (const [status, headers] of [
    [401, { 'www-authenticate': 'DPoP error="invalid_token"' }],
    [401, { 'www-authenticate': 'Bearer error="use_dpop_nonce"' }],
    [401, {}],
    [400, {}],
  ] as const) {
    const { url, seen } = await cannedServer(t, respondWith(status, {}, headers))
    t.equal((await dpopFetch({ accessToken, key })(url)).status, status)
    t.equal(seen.length, 1)
  }
})

t.test('does not follow redirects', async (t) => {
  const away = await cannedServer(t, respondWith(200, {}))
  const { url } = await cannedServer(t, respondWith(302, {}, { location: away.url }))
  t.equal((await dpopFetch({ accessToken, key })(url, { redirect: 'follow' })).status, 302)
  t.equal(away.seen.length, 0)
})

t.test('writes the requested algorithm name into proofs', async (t) => {
  const { url, seen } = await cannedServer(t, respondWith(200, {}))
  for (const algorithm of ['EdDSA', 'Ed25519', 'PS384'] as const) {
    const key = await generateDPoPKey(algorithm)
    await dpopFetch({ accessToken, key })(url)
    const proof = seen.at(-1)?.headers.dpop as string
    t.equal(decodeProtectedHeader(proof).alg, algorithm)
    t.same(decodeProtectedHeader(proof).jwk, { ...key.jwk })
    await t.resolves(jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt' }))
  }
})

t.test('stops when its signal aborts', async (t) => {
  const { url } = await cannedServer(t, () => {})
  const signal = AbortSignal.timeout(50)
  await t.rejects(dpopFetch({ accessToken, key })(url, { signal }), { name: 'TimeoutError' })
})

t.test('rethrows network errors', async (t) => {
  const fetch = dpopFetch({ accessToken, key, fetch: () => Promise.reject(new Error('down')) })
  await t.rejects(fetch('https://api.example/'), { message: 'down' })
})

t.test('uses the current global fetch', async (t) => {
  const fetch = dpopFetch({ accessToken, key })
  t.intercept(globalThis, 'fetch', { value: async () => new Response('mocked') })
  t.equal(await (await fetch('https://api.example/me')).text(), 'mocked')
})

t.test('sends the token only over https or to loopback', async (t) => {
  const sent: unknown[] = []
  const fetch = dpopFetch({
    accessToken,
    key,
    fetch: async (url) => {
      sent.push(url)
      return new Response()
    },
  })
  for (const url of ['http://api.example/', 'http://127.0.0.1.example/', 'data:,x']) {
    await t.rejects(fetch(url), { name: 'TypeError', message: /must be https/ })
  }
  for (const url of ['https://api.example/', 'http://localhost/', 'http://[::1]/']) await fetch(url)
  t.same(sent, ['https://api.example/', 'http://localhost/', 'http://[::1]/'])
})

t.test('rejects headers that it sets itself, and unknown options', async (t) => {
  const fetch = dpopFetch({ accessToken, key })
  const dpop = await dpopProof({ key, url: 'https://api.example/' })
  for (const headers of [{ authorization: 'Bearer x' }, { DPoP: dpop }]) {
    await t.rejects(fetch('https://api.example/', { headers }), {
      name: 'TypeError',
      message: /^"headers" must not contain/,
    })
  }
  const rejects = (options: object, message: RegExp) =>
    t.throws(() => dpopFetch({ accessToken, key, ...options } as DPoPFetchOptions), {
      name: 'TypeError',
      message,
    })
  rejects({ token: 'x' }, /^Unknown option "token" of dpopFetch/)
  rejects({ accessToken: '' }, /^"accessToken" must be/)
  rejects(
    { accessToken: 'secret\n' },
    /^"accessToken" must be a non-empty string of letters, digits/,
  )
  rejects({ accessToken: undefined }, /^"accessToken" must be/)
  rejects({ key: undefined }, /^"key" must be a key of generateDPoPKey\(\)/)
  rejects({ fetch: 'x' }, /^"fetch" must be a function/)
})
