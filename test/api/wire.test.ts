import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, { type PluginOptions } from '../../src/index.js'
import { parseChallenge } from '../fixtures/challenge-parser.js'
import { given, tokenOf } from '../fixtures/protected-api.js'
import { exchange, type RawRequest, rawRequest } from '../fixtures/raw-http.js'

const valid = await tokenOf()

async function listening(
  t: Test,
  options: Partial<PluginOptions> = {},
  server: FastifyServerOptions = {},
): Promise<{ app: FastifyInstance; port: number }> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(resourceServer, given(options))
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, body),
  )
  app.get('/', (request) => ({ user: request.claims.sub }))
  app.post('/', (request) => ({ user: request.claims.sub }))
  app.get('/orders', { config: { auth: { scope: 'orders:write profile' } } }, () => 'in')
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, port: (app.server.address() as AddressInfo).port }
}

async function stillServes(t: Test, port: number): Promise<void> {
  const response = await rawRequest(port, { lines: [`Authorization: Bearer ${valid}`] })
  t.equal(response.status, 200, 'the server still responds')
}

const authorization = (value: string): RawRequest => ({ lines: [`Authorization: ${value}`] })

t.test('B1: accepts a valid token in any valid spelling of the header', async (t) => {
  const { port } = await listening(t)
  const spellings: Record<string, RawRequest> = {
    'as everybody writes it': authorization(`Bearer ${valid}`),
    'scheme in lower case': authorization(`bearer ${valid}`),
    'scheme in upper case': authorization(`BEARER ${valid}`),
    'scheme in mixed case': authorization(`BeArEr ${valid}`),
    'header name in lower case': { lines: [`authorization: Bearer ${valid}`] },
    'header name in upper case': { lines: [`AUTHORIZATION: Bearer ${valid}`] },
    'two spaces': authorization(`Bearer  ${valid}`),
    'many spaces': authorization(`Bearer${' '.repeat(100)}${valid}`),
    'a trailing blank': authorization(`Bearer ${valid} `),
    'a trailing tab': authorization(`Bearer ${valid}\t`),
    'no blank after the colon': { lines: [`Authorization:Bearer ${valid}`] },
    'blanks after the colon': { lines: [`Authorization: \t  Bearer ${valid}`] },
  }
  for (const [title, request] of Object.entries(spellings)) {
    const { status, headers, body } = await rawRequest(port, request)
    t.equal(status, 200, title)
    t.same(JSON.parse(body), { user: 'user-1' }, title)
    t.notOk(headers['www-authenticate'], title)
  }
})

t.test('B2: responds with 401 without an error to a request without a bearer token', async (t) => {
  const { port } = await listening(t)
  const requests: Record<string, RawRequest> = {
    'no header': {},
    'an empty header': authorization(''),
    Basic: authorization('Basic dXNlcjpwYXNzd29yZA=='),
    DPoP: authorization(`DPoP ${valid}`),
    'a scheme that begins like ours': authorization(`BearerX ${valid}`),
    'a scheme glued to its token': authorization(`Bearer${valid}`),
    'the token alone': authorization(valid),
    'a no-break space in place of the space': authorization(`Bearer\xa0${valid}`),
    'a comma in place of the space': authorization(`Bearer,${valid}`),
    'another header': { lines: [`Proxy-Authorization: Bearer ${valid}`] },
    'a header that ends like ours': { lines: [`X-Authorization: Bearer ${valid}`] },
  }
  for (const [title, request] of Object.entries(requests)) {
    const { status, headers, body } = await rawRequest(port, request)
    t.equal(status, 401, title)
    t.same(headers['www-authenticate'], ['Bearer realm="api"'], title)
    t.match(JSON.parse(body), { statusCode: 401, code: 'missing_credentials' }, title)
    await stillServes(t, port)
  }
})

t.test('B3: responds with 400 to a malformed Authorization header', async (t) => {
  const { port } = await listening(t)
  const values: Record<string, string> = {
    'the scheme alone': 'Bearer',
    'the scheme and a blank': 'Bearer ',
    'a tab in place of the space': `Bearer\t${valid}`,
    'a tab after the space': `Bearer \t${valid}`,
    'two tokens': `Bearer ${valid} ${valid}`,
    'two words': 'Bearer a b',
    'two credentials, joined by a comma': `Bearer ${valid}, Bearer ${valid}`,
    'two tokens, joined by a comma': `Bearer ${valid},${valid}`,
    'a parameter after the token': `Bearer ${valid}, realm="api"`,
    'a quoted token': `Bearer "${valid}"`,
    'a token in a parameter': `Bearer token="${valid}"`,
    'padding in the middle': 'Bearer a=b',
    'padding alone': 'Bearer =',
    'a letter of latin-1': `Bearer ${valid}\xe9`,
    'a letter in UTF-8': `Bearer ${Buffer.from('é').toString('latin1')}`,
    'a no-break space at the end': `Bearer ${valid}\xa0`,
    'a byte order mark': `Bearer \xef\xbb\xbf${valid}`,
    'the byte 0xff': 'Bearer \xff',
  }
  for (const [title, value] of Object.entries(values)) {
    const { status, headers, body } = await rawRequest(port, authorization(value))
    t.equal(status, 400, title)
    t.match(parseChallenge(headers['www-authenticate']?.join('|')), {
      scheme: 'Bearer',
      parameters: { realm: 'api', error: 'invalid_request' },
    })
    t.match(JSON.parse(body), { statusCode: 400, code: 'invalid_request' }, title)
    await stillServes(t, port)
  }
})

t.test(
  'B3: responds with 400 to two Authorization headers, regardless of their content',
  async (t) => {
    const { port } = await listening(t)
    const tokenHeader = `Authorization: Bearer ${valid}`
    const pairs: Record<string, readonly string[]> = {
      'the same twice': [tokenHeader, tokenHeader],
      'the second in lower case': [tokenHeader, `authorization: Bearer ${valid}`],
      'the second in upper case': [tokenHeader, `AUTHORIZATION: Bearer ${valid}`],
      'Basic first': ['Authorization: Basic dTpw', tokenHeader],
      'Basic last': [tokenHeader, 'Authorization: Basic dTpw'],
      'an empty one first': ['Authorization:', tokenHeader],
      'an empty one last': [tokenHeader, 'Authorization:'],
      'others between them': [tokenHeader, 'Accept: */*', 'X-A: b', tokenHeader],
      'three of them': [tokenHeader, tokenHeader, tokenHeader],
      'Basic twice': ['Authorization: Basic dTpw', 'Authorization: Basic dTpw'],
    }
    for (const [title, lines] of Object.entries(pairs)) {
      const { status, headers } = await rawRequest(port, { lines })
      t.equal(status, 400, title)
      t.match(parseChallenge(headers['www-authenticate']?.join('|')), {
        parameters: { error: 'invalid_request' },
      })
      await stillServes(t, port)
    }
    t.test(
      'responds with 400 to two Authorization headers if Node joins repeated headers',
      async (t) => {
        const { port } = await listening(t, {}, { http: { joinDuplicateHeaders: true } } as never)
        t.equal((await rawRequest(port, { lines: [tokenHeader, tokenHeader] })).status, 400)
        await stillServes(t, port)
      },
    )
  },
)

t.test('responds with 4xx to invalid HTTP, and continues to serve', async (t) => {
  const { port } = await listening(t)
  const requests: Record<string, RawRequest> = {
    'a NUL': authorization(`Bearer \0${valid}`),
    'a bare carriage return': authorization(`Bearer ${valid}\rX-A: b`),
    'a control character': authorization('Bearer \x01'),
    'a folded header': authorization(`Bearer\r\n ${valid}`),
    'a blank before the colon': { lines: [`Authorization : Bearer ${valid}`] },
    'a header without a name': { lines: [`: Bearer ${valid}`] },
    'a header without a colon': { lines: [`Authorization Bearer ${valid}`] },
  }
  for (const [title, request] of Object.entries(requests)) {
    const { status } = await rawRequest(port, request)
    t.ok(status >= 400 && status < 500, `${title}: ${status}`)
    await stillServes(t, port)
  }
})

t.test('responds with 431 to a header of 1 MB, or 401 if Node accepts it', async (t) => {
  const huge = authorization(`Bearer ${'a'.repeat(1_000_000)}`)
  const { port } = await listening(t)
  t.equal((await rawRequest(port, huge)).status, 431)
  await stillServes(t, port)

  const roomy = await listening(t, {}, { http: { maxHeaderSize: 4_000_000 } } as never)
  const requests: Record<string, RawRequest> = {
    letters: huge,
    'letters in three parts': authorization(`Bearer ${'a.'.repeat(2)}${'a'.repeat(1_000_000)}`),
    dots: authorization(`Bearer ${'.'.repeat(1_000_000)}`),
    'a good token with a tail': authorization(`Bearer ${valid}${'a'.repeat(1_000_000)}`),
  }
  for (const [title, request] of Object.entries(requests)) {
    const { status, headers, body } = await rawRequest(roomy.port, request)
    t.equal(status, 401, title)
    t.match(parseChallenge(headers['www-authenticate']?.join('|')), {
      parameters: { error: 'invalid_token', error_description: 'The access token is too long' },
    })
    t.ok(body.length < 500, 'and does not echo it')
    await stillServes(t, roomy.port)
  }
  const blanks = authorization(`Bearer${' '.repeat(500_000)}x${' '.repeat(500_000)}x`)
  t.equal((await rawRequest(roomy.port, blanks)).status, 400, 'spaces take no time to read')
  await stillServes(t, roomy.port)
})

t.test('B4: ignores a token in the query', async (t) => {
  const { port } = await listening(t)
  const { status, headers } = await rawRequest(port, { path: `/?access_token=${valid}` })
  t.equal(status, 401)
  t.same(headers['www-authenticate'], ['Bearer realm="api"'])
  const both = { path: `/?access_token=bad`, ...authorization(`Bearer ${valid}`) }
  t.equal(
    (await rawRequest(port, both)).status,
    200,
    'and a token in the query has no effect beside a header',
  )
})

t.test('B5: ignores a token in a form body', async (t) => {
  const { port } = await listening(t)
  const form = {
    lines: ['content-type: application/x-www-form-urlencoded'],
    body: `access_token=${valid}`,
  }
  for (const method of ['GET', 'POST']) {
    const { status, headers } = await rawRequest(port, { method, ...form })
    t.equal(status, 401, method)
    t.same(headers['www-authenticate'], ['Bearer realm="api"'], method)
    await stillServes(t, port)
  }
})

t.test('reads no body of a request without a token', async (t) => {
  const { port } = await listening(t)
  const lines = ['content-type: application/json', 'content-length: 900000']
  const { status } = await rawRequest(port, { method: 'POST', lines })
  t.equal(status, 401, 'the response is sent before the body arrives')
  await stillServes(t, port)
})

t.test(
  'B6, B7: responds with 401 invalid_token to an invalid token, with a well-formed challenge',
  async (t) => {
    const { port } = await listening(t)
    const tokens: Record<string, string> = {
      'no JWT': 'opaque',
      'token68 with padding': 'b3BhcXVl==',
      'every character of token68': 'aZ0-._~+/',
      'a good one with padding': `${valid}=`,
      tampered: `${valid.slice(0, -4)}AAAA`,
      expired: await tokenOf({ exp: 1 }),
      'for another resource': await tokenOf({ aud: 'api://other' }),
      'from an untrusted issuer': await tokenOf({
        iss: 'https://untrusted.example/"\r\nX-Injected: 1',
      }),
      'with a hash that would break a header': await tokenOf({ at_hash: '"\r\n\0\u2028é' }),
    }
    for (const [title, token] of Object.entries(tokens)) {
      for (const path of ['/', '/orders', '/nowhere']) {
        const { status, headers } = await rawRequest(port, {
          path,
          ...authorization(`Bearer ${token}`),
        })
        t.equal(status, 401, `${title} at ${path}`)
        t.equal(headers['www-authenticate']?.length, 1)
        const { scheme, parameters } = parseChallenge(headers['www-authenticate']?.[0])
        t.equal(scheme, 'Bearer')
        const { scope, ...rest } = parameters
        t.same(Object.keys(rest), ['realm', 'error', 'error_description'])
        t.match(rest, { realm: 'api', error: 'invalid_token' })
        t.equal(
          scope,
          path === '/orders' ? 'orders:write profile' : undefined,
          'the scope of the route',
        )
        t.notOk(headers['x-injected'])
      }
      await stillServes(t, port)
    }
  },
)

t.test('B8: responds with 403 insufficient_scope and the required scope', async (t) => {
  const { port } = await listening(t)
  const request = { path: '/orders', ...authorization(`Bearer ${valid}`) }
  const { status, headers } = await rawRequest(port, request)
  t.equal(status, 403)
  t.match(parseChallenge(headers['www-authenticate']?.join('|')), {
    scheme: 'Bearer',
    parameters: { realm: 'api', error: 'insufficient_scope', scope: 'orders:write profile' },
  })
  const none = await rawRequest(port, { path: '/orders' })
  t.same(
    none.headers['www-authenticate'],
    ['Bearer realm="api", scope="orders:write profile"'],
    'without a token, the challenge contains the required scope',
  )
})

t.test(
  'B9: responds with 503 with Retry-After and no challenge while keys are unavailable',
  async (t) => {
    const { port } = await listening(t, {
      jwks: {
        fetch: async () => {
          throw new Error('connect ECONNREFUSED')
        },
      },
    })
    for (let i = 0; i < 2; i++) {
      const { status, headers, body } = await rawRequest(port, authorization(`Bearer ${valid}`))
      t.equal(status, 503)
      t.match(headers['retry-after']?.join('|'), /^[1-9]\d*$/)
      t.notOk(headers['www-authenticate'])
      t.match(JSON.parse(body), { code: 'temporarily_unavailable' })
      t.notMatch(body, /ECONNREFUSED/, 'no details of the outage')
    }
    t.equal((await rawRequest(port, {})).status, 401, 'no fetch without a token')
  },
)

t.test('a rejection leaves a kept-alive connection usable', async (t) => {
  const { port } = await listening(t)
  const request = (value: string, connection: string) =>
    `GET / HTTP/1.1\r\nhost: a\r\nauthorization: ${value}\r\nconnection: ${connection}\r\n\r\n`
  const bytes = Buffer.from(
    request('Bearer', 'keep-alive') +
      request('Bearer bad', 'keep-alive') +
      request('Basic x', 'keep-alive') +
      request(`Bearer ${valid}`, 'close'),
  )
  const text = (await exchange(port, bytes)).toString('latin1')
  t.same(
    [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ['400', '401', '401', '200'],
    'and no result carries over to the next request',
  )
})

t.test('a caller that disconnects during verification does not end the process', async (t) => {
  let begun: () => void
  const fetching = new Promise<void>((resolve) => {
    begun = resolve
  })
  const { port } = await listening(t, {
    jwks: {
      fetch: (_url, { signal }) =>
        new Promise((_, reject) => {
          begun()
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
      timeout: 200,
    },
  })
  const { connect } = await import('node:net')
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${valid}\r\n\r\n`)
  await fetching
  socket.destroy()
  const { status } = await rawRequest(port, authorization(`Bearer ${valid}`))
  t.equal(status, 503, 'the remaining caller gets a response')
})

t.test('HTTP/2', async (t) => {
  const { connect, constants } = await import('node:http2')
  const app = Fastify({ http2: true })
  t.teardown(() => app.close())
  await app.register(resourceServer, given())
  app.get('/', async (request) => ({ user: request.claims.sub }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo

  const get = (headers: Record<string, string>) =>
    new Promise<{ status: unknown; challenge: unknown }>((resolve, reject) => {
      const session = connect(`http://127.0.0.1:${port}`)
      const stream = session.request({ ':path': '/', ...headers })
      stream.on('error', reject)
      stream.on('response', (response) => {
        resolve({
          status: response[constants.HTTP2_HEADER_STATUS],
          challenge: response['www-authenticate'],
        })
        session.close()
      })
      stream.resume()
    })

  t.match(await get({ authorization: `Bearer ${valid}` }), { status: 200 })
  t.match(await get({}), { status: 401, challenge: 'Bearer realm="api"' })
  t.match(await get({ authorization: 'Bearer a b' }), { status: 400 })

  t.test('B3: responds with 400 to two authorization headers', async (t) => {
    const field = (name: string, value: string) =>
      Buffer.concat(
        [literal(name), literal(value)].flatMap((part, i) => (i ? [part] : [ZERO, part])),
      )
    const block = Buffer.concat([
      Buffer.from([0x82, 0x84, 0x86]), // GET, /, http: entries of HPACK's static table
      field(':authority', 'api.example'),
      field('authorization', 'Bearer a'),
      field('authorization', 'Bearer b'),
    ])
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    const bytes = Buffer.concat([preface, frame(4, 0, 0, Buffer.alloc(0)), frame(1, 5, 1, block)])
    t.equal(await firstStatus(port, bytes), 0x8c, 'the entry ":status: 400" of the static table')
    t.match(await get({ authorization: `Bearer ${valid}` }), { status: 200 })
  })
})

const ZERO = Buffer.from([0])

function literal(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Returns the first byte of the first HEADERS frame of the response. */
async function firstStatus(port: number, bytes: Buffer): Promise<number | undefined> {
  const { connect } = await import('node:net')
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setTimeout(5_000, () => reject(new Error('no HEADERS frame')))
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      for (let at = 0; at + 9 < received.length; at += 9 + received.readUIntBE(at, 3)) {
        if (received.readUInt8(at + 3) !== 1) continue
        socket.destroy()
        return resolve(received.readUInt8(at + 9))
      }
    })
  })
}
