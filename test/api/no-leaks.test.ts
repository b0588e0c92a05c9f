import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import Fastify from 'fastify'
import t from 'tap'
import {
  createResourceServer,
  type PluginOptions,
  type ResourceServerError,
} from '../../src/index.js'
import resourceServer from '../../src/plugin/plugin.js'
import { base64url, makeKey, sign } from '../fixtures/issuer.js'
import { given, key, tokenOf } from '../fixtures/protected-api.js'
import { rawRequest } from '../fixtures/raw-http.js'

/** A marker in every value chosen by the caller, so that one search finds each. */
const MARK = 'zq7canary'
const marked = (name: string) => `${MARK}-${name}`

const personal = {
  sub: marked('sub'),
  scope: `${marked('scope')} profile`,
  email: `${marked('email')}@example.com`,
  jti: marked('jti'),
  client_id: marked('client'),
  [marked('claim')]: { nested: [marked('nested')] },
}

const valid = await tokenOf(personal)
const [head = '', payload = '', signature = ''] = valid.split('.')
const unknownKey = await makeKey('ES256', marked('kid'))

const credentials: Record<string, string> = {
  good: `Bearer ${valid}`,
  tampered: `Bearer ${head}.${payload}.${signature.slice(0, -4)}AAAA`,
  'with other claims': `Bearer ${head}.${base64url({ ...personal, iss: marked('iss') })}.${signature}`,
  expired: `Bearer ${await tokenOf({ ...personal, exp: 1 })}`,
  'not valid yet': `Bearer ${await tokenOf({ ...personal, nbf: 9_999_999_999 })}`,
  'for another resource': `Bearer ${await tokenOf({ ...personal, aud: marked('aud') })}`,
  'for several others': `Bearer ${await tokenOf({ ...personal, aud: [marked('aud'), marked('b')] })}`,
  'from an untrusted issuer': `Bearer ${await tokenOf({ ...personal, iss: `https://${marked('iss')}` })}`,
  'of an unknown key': `Bearer ${await sign(unknownKey, personal)}`,
  'of an unknown type': `Bearer ${await sign(key, personal, { header: { typ: marked('typ') } })}`,
  'an ID token of the hybrid flow': `Bearer ${await tokenOf({ ...personal, c_hash: marked('hash') })}`,
  'with a critical header': `Bearer ${base64url({ alg: 'ES256', crit: [marked('crit')] })}.${payload}.${signature}`,
  'of an unknown algorithm': `Bearer ${base64url({ alg: marked('alg') })}.${payload}.${signature}`,
  'with a claim of another kind': `Bearer ${await tokenOf({ ...personal, exp: marked('exp') })}`,
  'bound to a key': `Bearer ${await tokenOf({ ...personal, cnf: { jkt: marked('jkt') } })}`,
  'an ID token': `Bearer ${await tokenOf({ ...personal, at_hash: marked('at_hash') })}`,
  opaque: `Bearer ${marked('opaque')}`,
  'in two parts': `Bearer ${marked('a')}.${marked('b')}`,
  'in five parts': `Bearer ${Array.from('abcde', marked).join('.')}`,
  'no base64url': `Bearer ${marked('a')}=.b~.c`,
  'too long': `Bearer ${marked('long')}${'x'.repeat(9_000)}`,
  'malformed header': `Bearer ${marked('a')} ${valid}`,
  'with bytes beyond ASCII': `Bearer ${marked('a')}\xe9\xff`,
  'with markup': `Bearer <script>${marked('a')}</script>`,
  basic: `Basic ${Buffer.from(`user:${marked('password')}`).toString('base64')}`,
  'another scheme': `${marked('Scheme')} ${valid}`,
}

/** Secrets of which not even a part may appear. */
function secretsOf(value: string): string[] {
  const segments = value.split(/[ .:]/).filter((segment) => segment.length > 12)
  return [MARK, Buffer.from(MARK).toString('base64url').slice(0, 10), ...segments]
}

const configurations: Record<string, Partial<PluginOptions>> = {
  'with keys': {},
  'with onReject': { onReject: () => {} },
  'with an onReject that fails': {
    onReject: () => {
      throw new Error('metrics are down')
    },
  },
  'with keys out of reach': {
    jwks: {
      fetch: async () => {
        throw new Error('connect ECONNREFUSED')
      },
    },
  },
}

for (const [title, options] of Object.entries(configurations)) {
  t.test(`B10: no log line, body or header contains any part of a token, ${title}`, async (t) => {
    const lines: string[] = []
    const app = Fastify({
      logger: { level: 'trace', stream: { write: (line: string) => void lines.push(line) } },
    })
    t.teardown(() => app.close())
    await app.register(resourceServer, given(options))
    app.get('/', () => 'in')
    app.get('/scope', { config: { auth: { scope: 'admin' } } }, () => 'in')
    app.get('/claims', { config: { auth: { claims: { tenant: 'acme' } } } }, () => 'in')
    app.get('/authorize', { config: { auth: { authorize: async () => false } } }, () => 'in')
    app.get('/verify', { config: { auth: false } }, async (request) => {
      const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
      await app.resourceServer.verify(token, { scope: 'admin' }, request)
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo

    const routes = ['/', '/scope', '/claims', '/authorize', '/verify', '/nowhere']
    for (const [kind, value] of Object.entries(credentials)) {
      for (const path of routes) {
        lines.length = 0
        const response = await rawRequest(port, { path, lines: [`Authorization: ${value}`] })
        const everything = [JSON.stringify(response), ...lines].join('\n')
        t.same(
          secretsOf(value).filter((secret) => everything.includes(secret)),
          [],
          `${kind} at ${path}: ${response.status}`,
        )
        t.ok(lines.length > 0, 'and the log was recorded')
      }
    }
  })
}

t.test('B10: no serializer outputs the verified token', async (t) => {
  const server = await createResourceServer(given() as never)
  const token = await server.verify(valid)
  t.equal(token.raw, valid)
  const hidden = { showHidden: true, depth: 9, getters: false } as const
  for (const text of [inspect(token), inspect(token, hidden), JSON.stringify(token)]) {
    t.notOk(text.includes(signature), text)
    t.notOk(text.includes(payload))
  }
  t.notOk(JSON.stringify({ ...token }).includes(signature))
})

t.test('B10: only onReject receives the rejection detail', async (t) => {
  const server = await createResourceServer(given() as never)
  const tokens = Object.entries(credentials).filter(([kind]) => kind !== 'good')
  for (const [kind, value] of tokens) {
    const raw = value.replace(/^Bearer /, '')
    const error: ResourceServerError = await server.verify(raw).then(
      () => t.fail(kind),
      (reason) => reason,
    )
    const texts = [
      inspect(error),
      inspect(error, { depth: 9 }),
      JSON.stringify(error),
      JSON.stringify({ ...error }),
      error.message,
      String(error.stack),
      JSON.stringify(error.headers),
    ]
    for (const text of texts) {
      t.same(
        secretsOf(value).filter((secret) => text.includes(secret)),
        [],
        kind,
      )
    }
    const reason = JSON.stringify(error.reason)
    for (const name of ['sub', 'scope', 'email', 'jti', 'client', 'claim', 'nested']) {
      t.notOk(reason.includes(marked(name)), `${kind}: even the reason omits ${name}`)
    }
    const segments = raw.split('.').filter((segment) => segment.length > 20)
    t.notOk(
      segments.some((segment) => reason.includes(segment)),
      `${kind}: and the token`,
    )
  }
})
