import t from 'tap'
import { DiscoveryError } from '../../src/http/discovery.js'
import type { Fetch } from '../../src/http/fetch.js'
import { discover, metadataUrls } from '../../src/http/metadata.js'
import { discoverStreamManagement } from '../../src/http/transmitter-metadata.js'

const ISSUER = 'https://issuer.example/oauth2/default'
const JWKS_URI = 'https://keys.example/v1/keys'
const [APPENDED, INSERTED, OAUTH] = [
  'https://issuer.example/oauth2/default/.well-known/openid-configuration',
  'https://issuer.example/.well-known/openid-configuration/oauth2/default',
  'https://issuer.example/.well-known/oauth-authorization-server/oauth2/default',
] as const

/** Serves these documents, strings unchanged; responds with 404 to everything else. */
function serving(documents: Record<string, unknown>) {
  const requested: string[] = []
  const fetch: Fetch = async (url) => {
    requested.push(url)
    const body = documents[url]
    if (body instanceof Error) throw body
    if (body === undefined) return new Response('not found', { status: 404 })
    return new Response(typeof body === 'string' ? body : JSON.stringify(body))
  }
  return { fetch, requested }
}

function find(issuer: string, fetch: Fetch, allowHttp = false) {
  const { signal } = new AbortController()
  return discover(issuer, { fetch, allowHttp, signal, maxBytes: 65_536 })
}

const metadata = { issuer: ISSUER, jwks_uri: JWKS_URI }

t.test('D1: tries three URLs, in this order', async (t) => {
  t.strictSame(metadataUrls(ISSUER), [APPENDED, INSERTED, OAUTH])
})

t.test('D1: removes one terminating slash first', async (t) => {
  t.strictSame(metadataUrls(`${ISSUER}/`), [APPENDED, INSERTED, OAUTH])
})

t.test('D1: has two URLs for an issuer without a path', async (t) => {
  for (const issuer of ['https://issuer.example', 'https://issuer.example/']) {
    t.strictSame(metadataUrls(issuer), [
      'https://issuer.example/.well-known/openid-configuration',
      'https://issuer.example/.well-known/oauth-authorization-server',
    ])
  }
})

t.test('D1: keeps the port and the encoding of the path', async (t) => {
  t.equal(
    metadataUrls('https://issuer.example:8443/a%2Fb')[1],
    'https://issuer.example:8443/.well-known/openid-configuration/a%2Fb',
  )
})

t.test('D1: uses the first URL with metadata', async (t) => {
  const places = [APPENDED, INSERTED, OAUTH]
  for (const [i, place] of places.entries()) {
    const { fetch, requested } = serving({ [place]: metadata })
    t.strictSame(await find(ISSUER, fetch), { issuer: ISSUER, jwksUri: JWKS_URI })
    t.strictSame(requested, places.slice(0, i + 1))
  }
})

t.test('tries the next URL after any unusable response', async (t) => {
  const useless: Record<string, unknown> = {
    'no JSON': '<html>',
    'cut off': '{"issuer":',
    'no object': [metadata],
    null: 'null',
    'of another issuer': { ...metadata, issuer: 'https://evil.example' },
    'without jwks_uri': { issuer: ISSUER },
    'with a jwks_uri that is no string': { issuer: ISSUER, jwks_uri: [JWKS_URI] },
  }
  for (const [name, document] of Object.entries(useless)) {
    const { fetch, requested } = serving({ [APPENDED]: document, [OAUTH]: metadata })
    t.strictSame(await find(ISSUER, fetch), { issuer: ISSUER, jwksUri: JWKS_URI }, name)
    t.equal(requested.length, 3)
  }
})

t.test('reports the response of each URL if none is usable', async (t) => {
  const { fetch } = serving({ [INSERTED]: '<html>', [OAUTH]: {} })
  const error = await find(ISSUER, fetch).catch((error) => error)
  t.ok(error instanceof DiscoveryError)
  t.equal(
    error.message,
    `no metadata for the issuer ${ISSUER}: ${APPENDED} responded with 404; ` +
      `${INSERTED} did not respond with JSON; ` +
      `${OAUTH} names no issuer; it must name "${ISSUER}"`,
  )
})

t.test('tries no other URL if the host does not respond', async (t) => {
  const cause = Object.assign(new Error('connect ECONNREFUSED 192.0.2.1:443'), {
    code: 'ECONNREFUSED',
  })
  const rejected = new TypeError('fetch failed', { cause })
  const { fetch, requested } = serving({ [APPENDED]: rejected })
  await t.rejects(find(ISSUER, fetch), {
    name: 'NoResponseError',
    code: 'ECONNREFUSED',
    message: `${APPENDED} sent no complete response: fetch failed: connect ECONNREFUSED 192.0.2.1:443`,
  })
  t.strictSame(requested, [APPENDED])
  const later = serving({ [INSERTED]: rejected })
  await t.rejects(find(ISSUER, later.fetch), {
    name: 'NoResponseError',
    message: `${APPENDED} responded with 404; ${INSERTED} sent no complete response: fetch failed: connect ECONNREFUSED 192.0.2.1:443`,
  })
})

t.test('tries no other URL after a 429 or 503, and respects its Retry-After', async (t) => {
  for (const [status, retryAfter, expected] of [
    [429, '20', 20_000],
    [503, '7', 7_000],
    [429, undefined, undefined],
    [503, 'Fri, 27 Nov 2026 10:00:00 GMT', undefined],
  ] as const) {
    for (const busy of [APPENDED, INSERTED, OAUTH]) {
      const requested: string[] = []
      const fetch: Fetch = async (url) => {
        requested.push(url)
        const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
        return new Response('', url === busy ? { status, headers } : { status: 404 })
      }
      const error = await find(ISSUER, fetch).catch((error) => error)
      t.equal(requested.at(-1), busy)
      t.ok(error instanceof DiscoveryError)
      t.equal(error.retryAfter, expected)
      t.match(error.message, `${busy} responded with ${status}`)
    }
  }
})

t.test('respects the longest Retry-After of the URLs without metadata', async (t) => {
  const waits = ['3', '9', undefined]
  const fetch: Fetch = async () => {
    const wait = waits.shift()
    return new Response('', {
      status: 404,
      headers: wait === undefined ? {} : { 'retry-after': wait },
    })
  }
  t.equal((await find(ISSUER, fetch).catch((error) => error)).retryAfter, 9_000)
})

t.test(
  'tries no other URL once the signal has aborted, even if fetch ignores the signal',
  async (t) => {
    const controller = new AbortController()
    let requested = 0
    const fetch: Fetch = async () => {
      requested++
      controller.abort(new Error('closed'))
      return new Response('', { status: 404 })
    }
    await t.rejects(
      discover(ISSUER, { fetch, allowHttp: false, signal: controller.signal, maxBytes: 1_024 }),
      { message: 'closed' },
    )
    t.equal(requested, 1)
  },
)

t.test(
  'D2: rejects metadata whose issuer is not identical, code point by code point',
  async (t) => {
    const table: [string, string, unknown][] = [
      ['an additional trailing slash', ISSUER, `${ISSUER}/`],
      ['a missing trailing slash', `${ISSUER}/`, ISSUER],
      ['the case of the host', ISSUER, ISSUER.replace('issuer', 'Issuer')],
      ['the case of the path', ISSUER, ISSUER.replace('default', 'Default')],
      ['the case of the scheme', ISSUER, ISSUER.replace('https', 'HTTPS')],
      ['the scheme', ISSUER, ISSUER.replace('https', 'http')],
      ['the default port', ISSUER, ISSUER.replace('.example', '.example:443')],
      ['another port', ISSUER, ISSUER.replace('.example', '.example:8443')],
      ['percent-encoding', ISSUER, ISSUER.replace('default', 'd%65fault')],
      ['the case of percent-encoding', `${ISSUER}%2f`, `${ISSUER}%2F`],
      ['dot segments', ISSUER, ISSUER.replace('/default', '/./default')],
      ['a query', ISSUER, `${ISSUER}?`],
      ['white space', ISSUER, ` ${ISSUER}`],
      ['a look-alike', ISSUER, ISSUER.replace('i', 'і')],
      ['composition', 'https://issuer.example/\u00e9', 'https://issuer.example/e\u0301'],
      ['a template', ISSUER, 'https://issuer.example/{tenantid}'],
      ['an array', ISSUER, [ISSUER]],
      ['nothing', ISSUER, undefined],
      ['null', ISSUER, null],
    ]
    for (const [name, issuer, named] of table) {
      const document = { issuer: named, jwks_uri: JWKS_URI }
      const fetch: Fetch = async () => new Response(JSON.stringify(document))
      await t.rejects(
        find(issuer, fetch),
        { message: /which is not identical to|names no issuer/ },
        name,
      )
    }
  },
)

t.test('D2: accepts any spelling of an issuer that the metadata repeats', async (t) => {
  for (const issuer of [
    `${ISSUER}/`,
    'https://ISSUER.example:443/a%2f',
    'https://issuer.example',
  ]) {
    const fetch: Fetch = async () => new Response(JSON.stringify({ issuer, jwks_uri: JWKS_URI }))
    t.equal((await find(issuer, fetch)).issuer, issuer)
  }
})

t.test('escapes and truncates an untrusted issuer identifier in its message', async (t) => {
  const issuer = `https://evil.example/\n${'x'.repeat(10_000)}`
  const fetch: Fetch = async () => new Response(JSON.stringify({ issuer, jwks_uri: JWKS_URI }))
  const error = await find(ISSUER, fetch).catch((error) => error)
  t.ok(error.message.length < 2_000)
  t.notMatch(error.message, /\n/)
})

t.test('returns an address in ASCII, without terminal control characters', async (t) => {
  const jwks_uri = `${JWKS_URI}/\u001b[31m\n\u202e`
  const { fetch } = serving({ [APPENDED]: { issuer: ISSUER, jwks_uri } })
  const { jwksUri } = await find(ISSUER, fetch)
  t.match(jwksUri, /^https:\/\/keys\.example\/v1\/keys\/[\x21-\x7e]+$/)
  const issuer = '\u009b31m\u202e\u2028\n"ü'
  const { fetch: untrusted } = serving({ [APPENDED]: { issuer, jwks_uri: JWKS_URI } })
  await t.rejects(find(ISSUER, untrusted), { message: /^[\x20-\x7e]+$/ })
})

t.test('D3: rejects a jwks_uri that is not https', async (t) => {
  const rejected = [
    'http://keys.example/keys',
    'http://localhost/keys',
    'http://127.0.0.1:9200/keys',
    'http://[::1]/keys',
    'file:///etc/keys',
    'data:application/json,{"keys":[]}',
    '/keys',
    '//keys.example/keys',
    'keys.example',
    '',
  ]
  for (const jwks_uri of rejected) {
    const { fetch } = serving({ [APPENDED]: { issuer: ISSUER, jwks_uri } })
    await t.rejects(find(ISSUER, fetch), { message: /not an https URL/ }, jwks_uri)
  }
})

t.test(
  'D3: accepts keys of a loopback issuer on loopback, but not elsewhere over http',
  async (t) => {
    const issuer = 'http://localhost:4000'
    const respondWith = (jwks_uri: string): Fetch => {
      return async () => new Response(JSON.stringify({ issuer, jwks_uri }))
    }
    for (const uri of ['http://localhost:4000/keys', 'http://127.0.0.1/keys', JWKS_URI]) {
      t.equal((await find(issuer, respondWith(uri))).jwksUri, uri)
    }
    await t.rejects(find(issuer, respondWith('http://keys.example/keys')), DiscoveryError)
  },
)

t.test('D3: accepts plain http if the dangerous option allows it', async (t) => {
  const issuer = 'http://keycloak:8080/realms/x'
  const jwks_uri = 'http://keycloak:8080/realms/x/certs'
  const fetch: Fetch = async () => new Response(JSON.stringify({ issuer, jwks_uri }))
  t.equal((await find(issuer, fetch, true)).jwksUri, jwks_uri)
})

t.test('D3: stops reading metadata at 64 KiB, regardless of the limit for key sets', async (t) => {
  const fetch: Fetch = async () => new Response(' '.repeat(65_537))
  const { signal } = new AbortController()
  await t.rejects(discover(ISSUER, { fetch, allowHttp: false, signal, maxBytes: 524_288 }), {
    message: /more than 65536 bytes/,
  })
})

t.test('finds the endpoints of a transmitter, never on loopback for an https issuer', async (t) => {
  const url = 'https://issuer.example/.well-known/ssf-configuration/oauth2/default'
  const endpoints = {
    configuration_endpoint: 'https://api.example/streams',
    status_endpoint: 'https://api.example/status',
    verification_endpoint: 'https://api.example/verify',
  }
  const findEndpoints = (document: object) => {
    const { fetch } = serving({ [url]: { issuer: ISSUER, ...document } })
    const { signal } = new AbortController()
    return discoverStreamManagement(ISSUER, { fetch, signal, allowHttp: false, maxBytes: 65_536 })
  }
  const delivery_methods_supported = ['urn:ietf:rfc:8935']
  t.strictSame(await findEndpoints({ ...endpoints, delivery_methods_supported }), {
    configurationEndpoint: 'https://api.example/streams',
    statusEndpoint: 'https://api.example/status',
    verificationEndpoint: 'https://api.example/verify',
    deliveryMethods: ['urn:ietf:rfc:8935'],
  })
  t.strictSame(await findEndpoints({}), {
    configurationEndpoint: undefined,
    statusEndpoint: undefined,
    verificationEndpoint: undefined,
    deliveryMethods: undefined,
  })
  for (const name of Object.keys(endpoints)) {
    for (const wrong of ['http://127.0.0.1/x', 'http://api.example/x', '/x', 7, null]) {
      await t.rejects(
        findEndpoints({ ...endpoints, [name]: wrong }),
        { name: 'DiscoveryError', message: name },
        `${name}: ${wrong}`,
      )
    }
  }
})
