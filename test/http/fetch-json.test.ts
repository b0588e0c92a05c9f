import { getEventListeners } from 'node:events'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import type { Fetch } from '../../src/http/fetch.js'
import { fetchJson, retryAfter, UnexpectedResponseError } from '../../src/http/fetch-json.js'
import {
  drip,
  endless,
  gzipBomb,
  hang,
  hangInBody,
  json,
  type KeyServer,
  type ResponseHandler,
  startKeyServer,
  status,
  text,
  truncated,
} from '../fixtures/key-server.js'
import { collectUnhandledRejections, settled } from '../fixtures/rejections.js'

const unhandledRejections = collectUnhandledRejections(t)

const MAX_BYTES = 1_024

async function withServer(t: Test, handler: ResponseHandler): Promise<KeyServer> {
  const server = await startKeyServer()
  t.teardown(() => server.close())
  server.respond('/keys', handler)
  return server
}

function get(url: string, options: Partial<Parameters<typeof fetchJson>[1]> = {}) {
  const signal = new AbortController().signal
  return fetchJson(url, { fetch, signal, maxBytes: MAX_BYTES, ...options })
}

/** Returns a fetch that responds without a network. */
function respondingWith(
  body: ConstructorParameters<typeof Response>[0],
  init: ResponseInit = {},
): Fetch {
  return async () => new Response(body, init)
}

t.test('reads a JSON document', async (t) => {
  const server = await withServer(t, (response, { method, headers }) =>
    json({ method, accept: headers.accept })(response, {} as never),
  )
  const document = await get(server.jwksUri)
  t.strictSame(document, {
    body: { method: 'GET', accept: 'application/json, application/jwk-set+json' },
    maxAge: undefined,
  })
})

/** Responds with 406 to a client that does not accept this media type, as Kubernetes does. */
function negotiating(type: string, body: unknown): ResponseHandler {
  return (response, request) => {
    const accepted = (request.headers.accept ?? '*/*').split(',').map((range) => range.trim())
    const handler = accepted.includes(type) ? json(body, { 'content-type': type }) : status(406)
    handler(response, request)
  }
}

t.test('accepts a document of either media type of a key set', async (t) => {
  for (const type of ['application/json', 'application/jwk-set+json']) {
    const server = await withServer(t, negotiating(type, { keys: [] }))
    t.strictSame((await get(server.jwksUri)).body, { keys: [] }, type)
  }
})

t.test('D3: follows no redirect', async (t) => {
  for (const code of [301, 302, 303, 307, 308]) {
    const server = await withServer(t, status(code, { location: '/elsewhere' }))
    server.respond('/elsewhere', json({ keys: [] }))
    await t.rejects(get(server.jwksUri), {
      name: 'UnexpectedResponseError',
      message: `${server.jwksUri} responded with ${code}, a redirect to ${server.origin}/elsewhere, which is not followed`,
    })
    t.strictSame(server.requests, ['/keys'])
  }
})

t.test('reports the target of a redirect, without its query', async (t) => {
  for (const [location, to] of [
    ['https://other.example/a?token=secret#b', ' to https://other.example/a'],
    ['b', ' to https://issuer.example/b'],
    ['https://user:secret@other.example/', ' to https://other.example/'],
    ['https://[', ''],
    ['', ''],
  ] as const) {
    const fetch = respondingWith('', { status: 302, headers: { location } })
    await t.rejects(get('https://issuer.example/keys?secret', { fetch }), {
      message: `https://issuer.example/keys responded with 302, a redirect${to}, which is not followed`,
    })
  }
})

t.test('D3: reports an opaque redirect as a redirect', async (t) => {
  const opaque = {
    status: 0,
    type: 'opaqueredirect',
    body: null,
    headers: new Headers(),
  } as unknown as Response
  await t.rejects(get('https://issuer.example/keys', { fetch: async () => opaque }), {
    message: /a redirect, which is not followed/,
  })
})

t.test('rejects any status other than 200', async (t) => {
  for (const code of [201, 204, 206, 400, 401, 403, 404, 429, 500, 502, 503]) {
    const server = await withServer(t, status(code))
    await t.rejects(get(server.jwksUri), {
      name: 'UnexpectedResponseError',
      message: new RegExp(`^${server.jwksUri} responded with ${code}$`),
    })
  }
})

t.test('rejects a body that is not JSON, and quotes none of it', async (t) => {
  const bodies = ['<html>secret</html>', '{"secret":', '{"secret":1}}', '', ' ', '\0', 'undefined']
  for (const body of bodies) {
    const error = await get('https://issuer.example/keys', { fetch: respondingWith(body) }).catch(
      (error) => error,
    )
    t.ok(error instanceof UnexpectedResponseError, JSON.stringify(body))
    t.equal(error.message, 'https://issuer.example/keys did not respond with JSON')
  }
  await t.rejects(get('https://issuer.example/keys', { fetch: respondingWith(null) }), {
    name: 'UnexpectedResponseError',
  })
})

t.test('reads JSON behind a byte order mark', async (t) => {
  const { body } = await get('https://issuer.example/', {
    fetch: respondingWith('\ufeff{"keys":[]}'),
  })
  t.strictSame(body, { keys: [] })
})

t.test('reads characters that are split over chunks', async (t) => {
  const bytes = new TextEncoder().encode('{"name":"é€😀"}')
  const stream = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]))
      controller.close()
    },
  })
  const { body } = await get('https://issuer.example/', { fetch: respondingWith(stream) })
  t.strictSame(body, { name: 'é€😀' })
})

t.test('D3: accepts exactly the maximum number of bytes', async (t) => {
  const full = `"${'x'.repeat(MAX_BYTES - 2)}"`
  const server = await withServer(t, text(full))
  t.equal((await get(server.jwksUri)).body, 'x'.repeat(MAX_BYTES - 2))
  server.respond('/keys', text(`${full} `))
  await t.rejects(get(server.jwksUri), {
    name: 'UnexpectedResponseError',
    message: `${server.jwksUri} responded with more than ${MAX_BYTES} bytes`,
  })
})

t.test('D3: stops reading at the cap', async (t) => {
  const large = ' '.repeat(50_000_000)
  const handlers = {
    'fifty megabytes': text(large),
    'a gzip bomb': gzipBomb(50_000_000),
    'an endless body': endless,
  }
  for (const [name, handler] of Object.entries(handlers)) {
    await t.test(name, async (t) => {
      const server = await withServer(t, handler)
      let read = 0
      const count = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          read += chunk.byteLength
          controller.enqueue(chunk)
        },
      })
      const counted: Fetch = async (url, init) => {
        const response = await fetch(url, init)
        return new Response(response.body?.pipeThrough(count), response)
      }
      await t.rejects(get(server.jwksUri, { maxBytes: 524_288, fetch: counted }), {
        name: 'UnexpectedResponseError',
        message: /more than 524288 bytes/,
      })
      await server.idle()
      t.ok(read < 2_097_152, `read ${read} bytes of it`)
    })
  }
})

t.test('counts the bytes after decompression, not those of content-length', async (t) => {
  const server = await withServer(t, gzipBomb(MAX_BYTES + 1))
  await t.rejects(get(server.jwksUri), { message: /more than 1024 bytes/ })
})

t.test('D3: ends at any point when the signal aborts', async (t) => {
  const handlers = { 'before headers': hang, 'in mid-body': hangInBody, 'between drips': drip }
  for (const [name, handler] of Object.entries(handlers)) {
    await t.test(name, async (t) => {
      const server = await withServer(t, handler)
      const reason = new Error('the deadline')
      const controller = new AbortController()
      setTimeout(() => controller.abort(reason), 40)
      await t.rejects(get(server.jwksUri, { signal: controller.signal }), reason)
      await server.idle()
      t.equal(server.inFlight, 0, 'and closes the connection')
    })
  }
})

t.test('reports why there is no response', async (t) => {
  const server = await startKeyServer()
  await server.close()
  const error = await get(server.jwksUri).catch((error) => error)
  t.notOk(error instanceof UnexpectedResponseError)
  t.match(error, { name: 'NoResponseError', code: 'ECONNREFUSED' })
  t.match(
    error.message,
    `${server.jwksUri} sent no complete response: fetch failed: connect ECONNREFUSED`,
  )
  const cut = await get((await withServer(t, truncated)).jwksUri).catch((error) => error)
  t.ok(cut instanceof Error)
  t.notOk(cut instanceof UnexpectedResponseError)
})

t.test('names neither query nor credentials of its URL', async (t) => {
  const url = 'https://issuer.example/keys?key=secret%20one&other=secret'
  const handlers: Fetch[] = [
    respondingWith('', { status: 500 }),
    respondingWith('<html>'),
    respondingWith('x'.repeat(MAX_BYTES + 1)),
    async () => {
      throw new Error(`request to ${url} failed`)
    },
    async () => {
      throw new TypeError('fetch failed', { cause: new Error(`no proxy for ${url}`) })
    },
  ]
  for (const fetch of handlers) {
    const error = await get(url, { fetch }).catch((error) => error)
    t.match(error.message, 'https://issuer.example/keys')
    t.notMatch(inspect(error, { depth: 9, showHidden: true }), /secret/)
  }
  const silent: Fetch = async () => {
    throw 'nothing'
  }
  await t.rejects(get('https://issuer.example/?', { fetch: silent }), {
    message: 'https://issuer.example/ sent no complete response: no response',
  })
})

t.test('reads response doubles of tests', async (t) => {
  const stub = (members: object) =>
    (async () => ({ ok: true, status: 200, ...members })) as unknown as Fetch
  const body = { keys: [] }
  for (const members of [
    { json: async () => body },
    { text: async () => JSON.stringify(body) },
    { text: async () => JSON.stringify(body), json: async () => ({}) },
  ]) {
    const document = await get('https://issuer.example/', { fetch: stub(members) })
    t.strictSame(document, { body, maxAge: undefined })
  }
  const long = stub({ json: async () => 'x'.repeat(MAX_BYTES) })
  await t.rejects(get('https://issuer.example/', { fetch: long }), { message: /more than 1024/ })
  const failing = stub({ status: 302 })
  await t.rejects(get('https://issuer.example/', { fetch: failing }), {
    message: 'https://issuer.example/ responded with 302, a redirect, which is not followed',
  })
  await t.rejects(get('https://issuer.example/', { fetch: stub({}) }), { name: 'NoResponseError' })
})

t.test('with a fetch that ignores the signal', async (t) => {
  const abortedBy = (reason: Error) => {
    const controller = new AbortController()
    return { controller, signal: controller.signal, abort: () => controller.abort(reason) }
  }

  t.test('stops reading once the signal has aborted', async (t) => {
    const { signal, abort } = abortedBy(new Error('closed'))
    let cancelled = false
    const stream = new ReadableStream({
      async pull(controller) {
        await new Promise(setImmediate)
        abort()
        controller.enqueue(new TextEncoder().encode(' '))
      },
      cancel() {
        cancelled = true
      },
    })
    await t.rejects(get('https://issuer.example/', { signal, fetch: respondingWith(stream) }), {
      message: 'closed',
    })
    t.ok(cancelled)
  })

  t.test('releases a body that hangs, once the signal has aborted', async (t) => {
    const { signal, abort } = abortedBy(new Error('closed'))
    let cancelled = false
    const stream = new ReadableStream({
      cancel() {
        cancelled = true
      },
    })
    get('https://issuer.example/', { signal, fetch: respondingWith(stream) }).catch(() => {})
    await new Promise(setImmediate)
    abort()
    await settled()
    t.ok(cancelled, 'otherwise the connection would stay open forever')
  })

  t.test('sends no request once the signal has aborted', async (t) => {
    const { signal, abort } = abortedBy(new Error('closed'))
    abort()
    let requests = 0
    const fetch: Fetch = async () => {
      requests++
      return new Response('{}')
    }
    await t.rejects(get('https://issuer.example/', { signal, fetch }), { message: 'closed' })
    t.equal(requests, 0)
  })
})

t.test('releases a body that it does not read', async (t) => {
  let cancelled = false
  const stream = new ReadableStream({
    cancel() {
      cancelled = true
      throw new Error('a failing stream')
    },
  })
  await t.rejects(
    get('https://issuer.example/', { fetch: respondingWith(stream, { status: 500 }) }),
    UnexpectedResponseError,
  )
  t.ok(cancelled)
})

t.test('rejects a response without a body as no JSON', async (t) => {
  const empty = get('https://issuer.example/', { fetch: respondingWith(null) })
  await t.rejects(empty, { message: 'https://issuer.example/ did not respond with JSON' })
})

t.test('leaves no listener on a signal that outlives the exchange', async (t) => {
  const { signal } = new AbortController()
  for (const body of ['{}', 'none', 'x'.repeat(MAX_BYTES + 1)]) {
    await get('https://issuer.example/', { fetch: respondingWith(body), signal }).catch(() => {})
    t.strictSame(getEventListeners(signal, 'abort'), [], body.slice(0, 10))
  }
})

t.test('D4: reads max-age from Cache-Control', async (t) => {
  const table: [string | undefined, number | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['public', undefined],
    ['max-age=600', 600],
    ['MAX-AGE=600', 600],
    ['public, max-age=600', 600],
    ['public,max-age=600,must-revalidate', 600],
    ['max-age="600"', 600],
    ['max-age=0', 0],
    ['max-age=99999999999999999999', 9_999_999_999],
    ['max-age=-1', undefined],
    ['max-age=', undefined],
    ['max-age', undefined],
    ['max-age=ten', undefined],
    ['s-maxage=5', undefined],
    ['s-maxage=5, max-age=600', 600],
    ['max-age=600, s-maxage=5', 600],
    ['x-max-age=5', undefined],
    ['stale-while-revalidate=5, max-age=600', 600],
    ['no-store', 0],
    ['no-cache', 0],
    ['No-Store', 0],
    ['no-store, max-age=600', 0],
    ['max-age=600, no-cache', 0],
    ['no-cache="set-cookie"', 0],
    ['x-no-store', undefined],
    ['no-store-at-all', undefined],
  ]
  for (const [header, expected] of table) {
    const headers: Record<string, string> = header === undefined ? {} : { 'cache-control': header }
    const fetch = respondingWith('{}', { headers })
    const { maxAge } = await get('https://issuer.example/', { fetch })
    t.equal(maxAge, expected, header ?? 'no header')
  }
})

t.test('D4: subtracts the Age of a response from its max-age', async (t) => {
  const table: [string, number][] = [
    ['0', 600],
    ['5', 595],
    ['60', 540],
    ['600', 0],
    ['9999999999', 0],
    ['-5', 600],
    ['5 s', 600],
    ['12345678901', 600],
    ['soon', 600],
  ]
  for (const [age, expected] of table) {
    const headers = { 'cache-control': 'max-age=600', age }
    const fetch = respondingWith('{}', { headers })
    t.equal((await get('https://issuer.example/', { fetch })).maxAge, expected, age)
    const unsaid = respondingWith('{}', { headers: { age } })
    t.equal((await get('https://issuer.example/', { fetch: unsaid })).maxAge, undefined, age)
  }
})

t.test('leaves no rejection unhandled', async (t) => {
  await settled()
  t.strictSame(unhandledRejections, [])
})

t.test('B9: reads Retry-After in seconds', async (t) => {
  const read = (value?: string) =>
    retryAfter(new Response('', value === undefined ? {} : { headers: { 'retry-after': value } }))
  t.equal(read('7'), 7_000)
  t.equal(read('0'), 0)
  t.equal(read('999999'), 999_999_000)
  t.equal(read('1000000000000'), 1e15, 'the caller limits it')
  for (const odd of [
    undefined,
    '',
    '-1',
    '1.5',
    '1e3',
    '9'.repeat(21),
    '3, 50',
    '7 s',
    'Fri, 27 Nov 2026 10:00:00 GMT',
  ]) {
    t.equal(read(odd), undefined, odd ?? 'none')
  }
})

t.test('interprets a Retry-After date by the clock of the issuer', async (t) => {
  const date = 'Fri, 27 Nov 2026 10:00:00 GMT'
  const read = (requests: string, issuerDate = date) =>
    retryAfter(new Response('', { headers: { 'retry-after': requests, date: issuerDate } }))
  t.equal(read('Fri, 27 Nov 2026 10:00:07 GMT'), 7_000)
  t.equal(read('Wed, 21 Oct 2099 07:28:00 GMT'), 2_300_477_280_000)
  t.equal(read('Wed, 21 Oct 2015 07:28:00 GMT'), 0)
  for (const odd of ['-5', '2099-10-21T07:28:00Z', 'Foo, 99 Bar 2099 07:28:00 GMT']) {
    t.equal(read(odd), undefined, odd)
  }
  t.equal(read(date, 'yesterday'), undefined)
})
