/** Valid and invalid introspection options. */
import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import {
  type IntrospectionOptions,
  type ResolvedIntrospection,
  resolveIntrospection,
} from '../../src/introspection/options.js'
import { ConfiguredIssuers } from '../../src/issuer/configured-issuers.js'
import type { Issuer } from '../../src/issuer/issuer.js'

const CLIENT = { clientId: 'orders-api', clientSecret: 'a secret' }
const privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  format: 'jwk',
}) as object
const KEYED = { clientId: 'orders-api', privateKey }

function resolve(options: object, allowHttp = false) {
  return resolveIntrospection(options as IntrospectionOptions, allowHttp)
}

t.test('requires only a client', async (t) => {
  const resolved = resolve(CLIENT)
  const { client, fetch: used, ...rest } = resolved
  t.ok(Object.isFrozen(resolved) && Object.isFrozen(client))
  t.match(client, { ...CLIENT, clientAuthentication: 'client_secret_basic' })
  const { fetch: real } = globalThis
  const stubbed = Response.json({})
  globalThis.fetch = async () => stubbed
  t.equal(await used('https://issuer.example', {} as never), stubbed, 'read at each use')
  globalThis.fetch = real
  t.strictSame(rest, {
    endpoint: undefined,
    mode: 'opaque',
    claims: 'token',
    opaqueTokens: 'any',
    requireSignedResponse: false,
    cacheMaxAge: 30_000,
    negativeCacheMaxAge: 5_000,
    maxEntries: 10_000,
    maxBytes: 33_554_432,
    staleIfError: 0,
    recheckInterval: 60_000,
    recheckStaleIfError: 300_000,
    untrustedPerSecond: 200,
    timeout: 5_000,
  })
  t.match(resolve({ ...CLIENT, mode: 'recheck', recheckInterval: 2_000 }), {
    recheckStaleIfError: 10_000,
  })
})

t.test('derives the authentication method from secret or key', async (t) => {
  const table: [object, string][] = [
    [CLIENT, 'client_secret_basic'],
    [{ ...CLIENT, clientAuthentication: 'client_secret_post' }, 'client_secret_post'],
    [KEYED, 'private_key_jwt'],
    [{ ...KEYED, clientAuthentication: 'private_key_jwt' }, 'private_key_jwt'],
    [{ ...KEYED, clientAuthentication: 'private_key_jwt_untyped' }, 'private_key_jwt_untyped'],
  ]
  for (const [options, method] of table) {
    t.equal(resolve(options).client.clientAuthentication, method)
  }
})

t.test('recognizes opaque tokens', async (t) => {
  const tokens = ['abc', 'ya29.abc', 'a.b.c.d', 'a.b.c', 'a.b.c.d.e']
  const opaque = (introspection: ResolvedIntrospection) => {
    const issuers = new ConfiguredIssuers([
      { issuer: 'https://issuer.example', introspection } as unknown as Issuer,
    ])
    return tokens.filter((token) => issuers.forOpaqueToken(token) !== undefined)
  }
  const whatever = ['abc', 'ya29.abc', 'a.b.c.d']
  t.strictSame(opaque(resolve(CLIENT)), whatever, 'lacks the parts of a JWT')
  t.strictSame(opaque(resolve({ ...CLIENT, opaqueTokens: true })), whatever)
  t.strictSame(opaque(resolve({ ...CLIENT, mode: 'always', opaqueTokens: false })), [])
  t.strictSame(opaque(resolve({ ...CLIENT, mode: 'recheck', opaqueTokens: false })), [])
  const opaqueTokens = (token: string) => token.startsWith('ya29.')
  t.strictSame(
    opaque(resolve({ ...CLIENT, opaqueTokens })),
    ['ya29.abc'],
    'according to the function',
  )
})

t.test('accepts valid options', async (t) => {
  const fetch = async () => new Response()
  for (const [options, allowHttp] of [
    [{ mode: 'recheck', recheckInterval: 1_000 }],
    [{ mode: 'always', claims: 'merge' }],
    [{ mode: 'recheck', claims: 'token' }],
    [{ cacheMaxAge: 0, negativeCacheMaxAge: 0, staleIfError: 3_600_000 }],
    [{ endpoint: 'https://issuer.example/introspect?tenant=1' }],
    [{ endpoint: 'http://127.0.0.1:8080/introspect' }],
    [{ endpoint: 'http://issuer.example/introspect' }, true],
    [{ requireSignedResponse: true, fetch, timeout: 100, maxEntries: 1, maxBytes: 65_536 }],
  ] as [object, boolean?][]) {
    t.match(resolve({ ...CLIENT, ...options }, allowHttp), options)
  }
})

t.test('rejects invalid options with a TypeError that names the option and the fix', async (t) => {
  const table: [object, RegExp][] = [
    [{ ...CLIENT, clientID: 'x' }, /Unknown option "clientID" of "introspection"/],
    [
      new Map(),
      /^"introspection" option must be an object with clientId, and clientSecret or privateKey: introspection requires client authentication$/,
    ],
    [true as never, /^"introspection" option must be an object with clientId/],
    [false as never, /^"introspection" option must be an object with clientId/],
    ['https://login.example/introspect' as never, /^"introspection" option must be an object with/],
    [
      { clientSecret: 's' },
      /"introspection.clientId" option must be a non-empty string: the client ID/,
    ],
    [{ ...CLIENT, clientId: '' }, /"introspection.clientId"/],
    [
      { ...CLIENT, clientSecret: '' },
      /"introspection.clientSecret" option must be a non-empty string/,
    ],
    [{ ...CLIENT, clientSecret: 7 }, /"introspection.clientSecret"/],
    [
      { clientId: 'x' },
      /set either "introspection.clientSecret" or "introspection.privateKey"; neither is set: /,
    ],
    [{ ...CLIENT, privateKey }, /or "introspection.privateKey"; both are set: /],
    [{ ...CLIENT, clientAuthentication: 'none' }, /must be one of client_secret_basic, /],
    [
      { ...CLIENT, clientAuthentication: 'private_key_jwt' },
      /is private_key_jwt, which needs "introspection.privateKey"/,
    ],
    [
      { ...KEYED, clientAuthentication: 'client_secret_post' },
      /is client_secret_post, which needs "introspection.clientSecret"/,
    ],
    [{ ...CLIENT, endpoint: 'http://issuer.example/introspect' }, /must be an https URL/],
    [{ ...CLIENT, endpoint: '/introspect' }, /"introspection.endpoint" option must be/],
    [{ ...CLIENT, endpoint: 'https://undefined/introspect' }, /contains "undefined"/],
    [{ ...CLIENT, endpoint: 'https://i.example/#x' }, /without credentials or fragment/],
    [{ ...CLIENT, endpoint: 'https://a:b@i.example/' }, /without credentials or fragment/],
    [{ ...CLIENT, endpoint: 7 }, /"introspection.endpoint"/],
    [{ ...CLIENT, mode: 'jwt' }, /"introspection.mode" option must be one of opaque, always/],
    [{ ...CLIENT, recheckInterval: 5_000 }, /requires "introspection.mode" to be recheck/],
    [
      { ...CLIENT, mode: 'always', recheckInterval: 5_000 },
      /requires "introspection.mode" to be recheck/,
    ],
    [{ ...CLIENT, mode: 'recheck', recheckInterval: 999 }, /milliseconds from 1000 to 3600000/],
    [{ ...CLIENT, claims: 'issuer' }, /"introspection.claims" option must be one of token, merge/],
    [
      { ...CLIENT, claims: 'merge' },
      /"introspection.claims" .* requires "introspection.mode" to be always/,
    ],
    [
      { ...CLIENT, mode: 'recheck', claims: 'merge' },
      /is merge, which requires "introspection.mode" to be always/,
    ],
    [{ ...CLIENT, opaqueTokens: false }, /so nothing is introspected/],
    [
      { ...CLIENT, opaqueTokens: 'yes' },
      /"introspection.opaqueTokens" option must be true, false or a function/,
    ],
    [
      { ...CLIENT, requireSignedResponse: 1 },
      /"introspection.requireSignedResponse" option must be true or false/,
    ],
    [{ ...CLIENT, cacheMaxAge: -1 }, /"introspection.cacheMaxAge" option .* from 0 to 3600000/],
    [{ ...CLIENT, cacheMaxAge: 0.5 }, /whole number of milliseconds/],
    [{ ...CLIENT, negativeCacheMaxAge: 60_001 }, /"introspection.negativeCacheMaxAge" .* to 60000/],
    [{ ...CLIENT, staleIfError: 3_600_001 }, /"introspection.staleIfError" .* to 3600000/],
    [{ ...CLIENT, timeout: 99 }, /"introspection.timeout" option .* from 100 to 60000/],
    [{ ...CLIENT, maxEntries: 0 }, /"introspection.maxEntries" option .* tokens from 1/],
    [{ ...CLIENT, maxBytes: 1 }, /"introspection.maxBytes" option .* bytes from 65536/],
    [{ ...CLIENT, fetch: {} }, /"introspection.fetch" option must be a function/],
  ]
  for (const [options, message] of table) {
    let thrown: unknown
    try {
      resolve(options)
    } catch (error) {
      thrown = error
    }
    t.match(thrown, { name: 'TypeError', message })
    t.notMatch(`${thrown}`, CLIENT.clientSecret, 'B10: no secret in it')
  }
})
