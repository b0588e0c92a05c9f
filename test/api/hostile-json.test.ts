import t, { type Test } from 'tap'
import { createResourceServer } from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import {
  accepts,
  forge,
  goodClaims,
  goodHeader,
  NOW,
  outcome,
  serverFor,
} from '../fixtures/forgery.js'
import { HOSTILE_JSON } from '../fixtures/hostile-json.js'
import { base64url, ISSUER, makeKey } from '../fixtures/issuer.js'

const key = await makeKey('ES256')
const other = await makeKey('ES256')
/** An attacker, who knows the `kid` of the key. */
const forger = { ...other, publicJwk: key.publicJwk }

const start = JSON.stringify(goodClaims()).slice(0, -1)

/** Counts the characters passed to JSON.parse while `work` runs. */
async function parsedDuring(t: Test, work: () => Promise<unknown>): Promise<number> {
  const calls = t.capture(JSON, 'parse', JSON.parse)
  await work()
  const texts = calls().map(({ args }) => String(args[0]))
  calls.restore()
  return texts.reduce((sum, text) => sum + text.length, 0)
}

t.test('parses no costly claims before their signature is verified', async (t) => {
  const server = await serverFor([key], { tokenCache: false })
  await accepts(t, server, forge(key))
  for (const [name, payload] of Object.entries(HOSTILE_JSON)) {
    const claims = payload(start, 6_000)
    t.ok(claims.length > 5_900, name)
    const parsed = await parsedDuring(t, async () => {
      t.equal(await outcome(server, forge(forger, { claims })), 'signature', name)
    })
    t.ok(parsed < 400, `${name}: ${parsed} characters`)
  }
})

t.test('never parses them for an untrusted issuer or an unknown key', async (t) => {
  const server = await serverFor([key], { tokenCache: false })
  for (const [name, payload] of Object.entries(HOSTILE_JSON)) {
    const foreign = payload('{"iss":"https://foreign.example"', 6_000)
    const parsed = await parsedDuring(t, async () => {
      t.equal(await outcome(server, forge(forger, { claims: foreign })), 'issuer', name)
      const header = { kid: 'unknown' }
      const claims = payload(start, 6_000)
      t.equal(await outcome(server, forge(forger, { claims, header })), 'key', name)
      t.equal(await outcome(server, forge(key, { claims, header: { alg: 'none' } })), 'algorithm')
    })
    t.ok(parsed < 800, `${name}: ${parsed} characters`)
  }
})

t.test('accepts valid tokens of any size, and checks all their claims', async (t) => {
  const server = await serverFor([key], { tokenCache: false })
  const groups = Array.from({ length: 150 }, (_, i) => `group-${i}`)
  const roles = Object.fromEntries(groups.slice(0, 40).map((name) => [name, { roles: ['reader'] }]))
  for (const large of [{ groups }, { resource_access: roles }, { groups, x: [[[[{}]]]] }]) {
    const token = await server.verify(forge(key, { claims: large }))
    t.match(token.claims, large)
    for (const part of [token.claims, ...Object.keys(large).map((name) => token.claims[name])]) {
      t.ok(Object.isFrozen(part))
    }
    for (const [claims, check] of [
      [{ exp: 1 }, 'expiry'],
      [{ exp: '9999999999' }, 'claims'],
      [{ exp: undefined }, 'claims'],
      [{ aud: 'another' }, 'audience'],
      [{ aud: groups }, 'audience'],
      [{ nbf: 9_999_999_999 }, 'not-before'],
      [{ iss: 'https://foreign.example' }, 'issuer'],
      [{ iss: [ISSUER] }, 'issuer'],
      [{ iss: undefined }, 'issuer'],
      [{ events: {} }, 'type'],
      [{ at_hash: 'x' }, 'type'],
      [{ token_use: 'refresh' }, 'type'],
      [{ cnf: 'x' }, 'binding'],
      [{ cnf: { jkt: 'x' } }, 'binding'],
      [{ cnf: { unknown: 'x' } }, 'binding'],
    ] as const) {
      const raw = forge(key, { claims: { ...large, ...claims } })
      t.equal(await outcome(server, raw), check, JSON.stringify(claims).slice(0, 60))
    }
  }
})

t.test('rejects signed claims with a duplicate or differently encoded iss', async (t) => {
  const server = await serverFor([key], { tokenCache: false })
  const many = `"x":[${'1,'.repeat(200)}1]`
  const rest = JSON.stringify(goodClaims({ iss: undefined })).slice(1)
  const iss = JSON.stringify(ISSUER)
  for (const [title, claims, check] of [
    ['once', `{"iss":${iss},${many},${rest}`, 'accepted'],
    ['last', `{${many},${rest.slice(0, -1)},"iss":${iss}}`, 'accepted'],
    ['escaped slashes', `{"iss":${iss.replaceAll('/', '\\/')},${many},${rest}`, 'accepted'],
    ['blanks', `{ "iss" :\n${iss} , ${many},${rest}`, 'accepted'],
    ['twice the same', `{"iss":${iss},"iss":${iss},${many},${rest}`, 'token'],
    ['twice', `{"iss":${iss},"iss":"https://foreign.example",${many},${rest}`, 'token'],
    [
      'once escaped',
      `{"\\u0069ss":"https://foreign.example","iss":${iss},${many},${rest}`,
      'token',
    ],
    ['escaped name', `{"\\u0069ss":${iss},${many},${rest}`, 'issuer'],
    ['deeper only', `{"x":{"iss":${iss}},${many.replace('x', 'y')},${rest}`, 'issuer'],
    ['a number first', `{"iss":1,"iss":${iss},${many},${rest}`, 'issuer'],
    ['tid escaped', `{"iss":${iss},"t\\u0069d":"x",${many},${rest}`, 'token'],
    ['__proto__', `{"iss":${iss},"__proto__":{},${many},${rest}`, 'token'],
    ['another member twice', `{"iss":${iss},"a":1,"a":1,${many},${rest}`, 'token'],
    ['no JSON', `{"iss":${iss},${many},,${rest}`, 'token'],
    ['an array', `[{"iss":${iss},${many},${rest}]`, 'issuer'],
    ['too deep', `{"iss":${iss},"x":${'['.repeat(40)}${']'.repeat(40)},${rest}`, 'token'],
  ] as const) {
    t.equal(await outcome(server, forge(key, { claims })), check, title)
  }
})

t.test('selects the issuer of a costly token among several', async (t) => {
  const groups = Array.from({ length: 200 }, (_, i) => `group-${i}`)
  const tid = '3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4b'
  const entra = 'https://login.microsoftonline.com/{tenantid}/v2.0'
  const aud = 'c1d2e3f4-0516-4273-8495-a6b7c8d9e0f1'
  const ofTenant = { aud, iss: entra.replace('{tenantid}', tid), tid, ver: '2.0', azp: 'client' }
  const server = await createResourceServer({
    audience: 'api://default',
    now: () => NOW * 1000,
    issuer: [
      { issuer: ISSUER, jwks: { keys: [key.publicJwk] } },
      { issuer: entra, audience: aud, jwks: { keys: [other.publicJwk] } },
    ],
  })
  const claims = { ...ofTenant, groups, scp: 'x' }
  t.match((await server.verify(forge(other, { claims }))).claims, { groups, tid })
  t.equal(await outcome(server, forge(key, { claims })), 'signature', 'the key of another issuer')
  t.equal(await outcome(server, forge(other, { claims: { groups } })), 'signature')
  const foreign = { ...claims, tid: tid.replace('3', '4') }
  t.equal(await outcome(server, forge(other, { claims: foreign })), 'issuer')
})

t.test('rejects costly headers unread', async (t) => {
  const server = await serverFor([key], { tokenCache: false })
  const begin = JSON.stringify(goodHeader(key)).slice(0, -1)
  for (const [name, members] of Object.entries(HOSTILE_JSON)) {
    const header = members(begin, 4_000)
    const parsed = await parsedDuring(t, async () => {
      t.equal(await outcome(server, forge(key, { header })), 'token', name)
    })
    t.equal(parsed, 0, name)
  }
  await accepts(t, server, forge(key, { header: { x5c: ['M'.repeat(2_000)], x5t: 'x' } }))
})

t.test('rejects costly DPoP proofs unread', async (t) => {
  const client = await DPoPClient.make()
  const server = await serverFor([key], {
    dpop: {},
    tokenCache: false,
  })
  const token = forge(key, { claims: { cnf: { jkt: client.jkt } } })
  const [method, url] = ['GET', 'https://api.example/orders']
  const proof = await client.proof({ method, url, token }, { claims: { iat: NOW } })
  await server.verify({ token, dpop: { method, url, proof } })
  const [header = '', payload = '', signature] = proof.split('.')
  for (const [name, members] of Object.entries(HOSTILE_JSON)) {
    for (const index of [0, 1]) {
      const text = Buffer.from(index === 0 ? header : payload, 'base64url').toString()
      const hostile = base64url(members(text.slice(0, -1), 4_000))
      const forged = [header, payload, signature].with(index, hostile).join('.')
      const parsed = await parsedDuring(t, () =>
        t.rejects(server.verify({ token, dpop: { method, url, proof: forged } }), {
          code: 'invalid_dpop_proof',
        }),
      )
      t.ok(parsed < 1_000, `${name} in part ${index}: ${parsed} characters`)
    }
  }
})
