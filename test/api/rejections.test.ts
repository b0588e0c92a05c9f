/**
 * Each check rejects on every path: synchronously (RSA, where rejections are returned) and
 * asynchronously (elliptic curves, where a promise rejects), in the plugin and without it, with
 * listed and resolved issuers, on the first and later uses of a token, and with concurrent uses.
 */
import Fastify, { type FastifyInstance } from 'fastify'
import type { JWK } from 'jose'
import t, { type Test } from 'tap'
import { AccessToken } from '../../src/access-token/access-token.js'
import { InvalidTokenError } from '../../src/errors/errors.js'
import { suppressRejection } from '../../src/errors/result.js'
import resourceServer, {
  createResourceServer,
  type IssuerResolver,
  type PluginOptions,
  type Requirement,
  type ResourceServerError,
  type RouteRequirement,
} from '../../src/index.js'
import { createGuard } from '../../src/plugin/guard.js'
import { rejectionLog } from '../../src/plugin/rejection-log.js'
import { Rejections } from '../../src/plugin/rejections.js'
import { RequestCredentials } from '../../src/plugin/request-credentials.js'
import { RouteGuards } from '../../src/plugin/route-guard.js'
import { assemble, type Core } from '../../src/server/assembly.js'
import { ResourceServer } from '../../src/server/resource-server.js'
import { CLIENT, startIntrospectionServer } from '../fixtures/introspection-server.js'
import { AUDIENCE, ISSUER, makeKey, seconds, sign, type TestKey } from '../fixtures/issuer.js'
import { json } from '../fixtures/key-server.js'
import { bearer, given } from '../fixtures/protected-api.js'

const TENANT = '3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4b'
const API = 'c1d2e3f4-0516-4273-8495-a6b7c8d9e0f1'
const TO_KEY = { jkt: `${'k'.repeat(42)}A` }
const TO_CERTIFICATE = { 'x5t#S256': `${'c'.repeat(42)}A` }

/** Returns an issuer, and invalid tokens of it with one error each. */
interface World {
  readonly issuer: string
  readonly options: Partial<PluginOptions>
  readonly claims: Record<string, unknown>
  readonly jwk?: Record<string, unknown>
  readonly rejected: Readonly<Record<string, InvalidToken>>
}

interface InvalidToken {
  readonly check: string
  readonly claims?: Record<string, unknown>
  readonly header?: Record<string, unknown>
  readonly spoil?: (raw: string) => string
}

const ours: World = {
  issuer: ISSUER,
  options: {
    audience: AUDIENCE,
    maxTokenAge: 600,
    profile: {
      name: 'ours',
      requiredClaims: ['tenant'],
      isAccessToken: ({ kind }) => kind === undefined,
    },
  },
  claims: { tenant: 'acme' },
  rejected: {
    'too long': { check: 'token', claims: { more: 'x'.repeat(9_000) } },
    'not three parts': { check: 'token', spoil: (raw) => `${raw}.x` },
    'a header that is no base64url': { check: 'token', spoil: (raw) => `+${raw}` },
    'a header that is no object': { check: 'token', spoil: (raw) => raw.replace(/^[^.]+/, 'W10') },
    'a header that asks for an extension': { check: 'token', header: { b64: true, crit: ['b64'] } },
    'claims that are no base64url': { check: 'token', spoil: (raw) => raw.replace('.', '.+') },
    'claims that are no object': { check: 'token', spoil: (raw) => raw.replace(/\..+\./, '.W10.') },
    'a signature that is no base64url': { check: 'token', spoil: (raw) => `${raw}+` },
    'an issuer that is none': { check: 'issuer', claims: { iss: 7 } },
    'a foreign issuer': { check: 'issuer', claims: { iss: 'https://evil.example' } },
    'another algorithm': { check: 'algorithm', spoil: withAlgorithm('none') },
    'another media type': { check: 'type', header: { typ: 'id+jwt' } },
    'another kind of token': { check: 'type', claims: { at_hash: 'x' } },
    'another kind to the profile': { check: 'type', claims: { kind: 'other' } },
    'no exp': { check: 'claims', claims: { exp: undefined } },
    'a sub that is no string': { check: 'claims', claims: { sub: 7 } },
    'no claim that is required': { check: 'claims', claims: { tenant: undefined } },
    expired: { check: 'expiry', claims: { exp: seconds() - 60 } },
    'not valid yet': { check: 'not-before', claims: { nbf: seconds() + 200 } },
    'issued in the future': { check: 'issued-at', claims: { iat: seconds() + 200 } },
    'too old': { check: 'age', claims: { iat: seconds() - 700 } },
    'of unknown age': { check: 'age', claims: { iat: undefined } },
    'for another audience': { check: 'audience', claims: { aud: 'api://other' } },
    'bound by an unknown mechanism': { check: 'binding', claims: { cnf: { jwk: {} } } },
    'bound to a key': { check: 'binding', claims: { cnf: TO_KEY } },
    'bound to a certificate': { check: 'binding', claims: { cnf: TO_CERTIFICATE } },
    'an unknown key': { check: 'key', header: { kid: 'unknown' } },
    'a bad signature': { check: 'signature', spoil: withOtherSignature },
    'a bad signature without kid': {
      check: 'signature',
      header: { kid: undefined },
      spoil: withOtherSignature,
    },
  },
}

const entras: World = {
  issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`,
  options: { audience: API, profile: 'entra' },
  claims: { aud: API, tid: TENANT, azp: 'app', scp: 'orders.read' },
  rejected: {
    'no client': { check: 'type', claims: { azp: undefined } },
    'a tenant that is not that of iss': { check: 'issuer', claims: { tid: API } },
    'neither scope nor roles': { check: 'claims', claims: { scp: undefined } },
  },
}

const stolenKey: World = {
  ...entras,
  jwk: { issuer: `https://login.microsoftonline.com/${API}/v2.0` },
  rejected: { 'the key of another tenant': { check: 'key' } },
}

function withAlgorithm(alg: string): (raw: string) => string {
  return (raw) => raw.replace(/^[^.]+/, Buffer.from(JSON.stringify({ alg })).toString('base64url'))
}

/** Changes the middle of the signature, where every bit of a character counts. */
function withOtherSignature(raw: string): string {
  const at = raw.length - 40
  return `${raw.slice(0, at)}${raw[at] === 'A' ? 'B' : 'A'}${raw.slice(at + 1)}`
}

type Door = (raw: string) => Promise<string>

/** Returns the results of plugin and `verify()`: `accepted`, or the check that rejected. */
async function doors(
  t: Test,
  options: PluginOptions,
  requirement?: RouteRequirement,
): Promise<Record<string, Door>> {
  const { global, extractToken, onReject, ...core } = options
  const server = await createResourceServer(core as Parameters<typeof createResourceServer>[0])
  const app = Fastify()
  t.teardown(() => Promise.all([app.close(), server.close()]))
  await app.register(resourceServer, options)
  app.setErrorHandler<ResourceServerError>((error, _request, reply) => {
    reply.code(error.statusCode).send(error.check ?? `crash: ${error}`)
  })
  app.get('/', { config: requirement ? { auth: requirement } : {} }, async () => 'accepted')
  return {
    'the plugin': async (raw) => (await app.inject({ url: '/', headers: bearer(raw) })).payload,
    'verify()': async (raw) => {
      try {
        const token = await server.verify(raw, requirement as Requirement)
        return token instanceof AccessToken ? 'accepted' : `crash: ${token}`
      } catch (error) {
        return error instanceof Error && 'check' in error ? `${error.check}` : `crash: ${error}`
      }
    },
  }
}

/** Returns the results of the first use, of the next two, and of three concurrent ones. */
async function resultsAt(door: Door, raw: string): Promise<string> {
  const results = [await door(raw), await door(raw), await door(raw)]
  results.push(...(await Promise.all([door(raw), door(raw), door(raw)])))
  return [...new Set(results)].join(' and ')
}

type Respond = Awaited<ReturnType<IssuerResolver>> & object
type IssuerOf = (world: World, keys: JWK[]) => PluginOptions

/** Ways to return a result from application functions. */
function responders(
  resolver: (resultOf: (iss: string) => false | Respond) => IssuerResolver,
): IssuerOf {
  return ({ issuer, options: { profile = 'standard', ...options } }, keys) => ({
    ...options,
    issuer: resolver((iss) => iss === issuer && { profile, jwks: { keys } }),
  })
}

/** Ways to configure issuers. */
const sources: Record<string, IssuerOf> = {
  'the options': ({ issuer, options }, keys) => ({ ...options, issuer, jwks: { keys } }),
  'a function': responders((resultOf) => (iss) => resultOf(iss)),
  'an async function': responders((resultOf) => async (iss) => resultOf(iss)),
  'a function of the request': responders((resultOf) => (iss, _request) => resultOf(iss)),
}

async function tokenOf(world: World, key: TestKey, rejected: Partial<InvalidToken> = {}) {
  const { claims, header = {}, spoil = (raw) => raw } = rejected
  return spoil(await sign(key, { iss: world.issuer, ...world.claims, ...claims }, { header }))
}

for (const alg of ['RS256', 'ES256']) {
  const key = await makeKey(alg)
  for (const [source, optionsFrom] of Object.entries(sources)) {
    t.test(`${alg}, ${source} as issuer: every check rejects`, async (t) => {
      for (const world of [ours, entras, stolenKey]) {
        const options = optionsFrom(world, [{ ...key.publicJwk, ...world.jwk }])
        for (const [door, send] of Object.entries(await doors(t, options))) {
          if (world !== stolenKey) {
            t.equal(await resultsAt(send, await tokenOf(world, key)), 'accepted', `${door}: valid`)
          }
          for (const [title, rejected] of Object.entries(world.rejected)) {
            const raw = await tokenOf(world, key, rejected)
            t.equal(await resultsAt(send, raw), rejected.check, `${door}: ${title}`)
          }
        }
      }
    })
  }

  t.test(`${alg}: rejects a cached token that became invalid`, async (t) => {
    for (const [check, later] of [
      ['expiry', 331],
      ['age', 150],
      ['issued-at', -60],
    ] as const) {
      let now = Date.now()
      const options = given({
        jwks: { keys: [key.publicJwk] },
        now: () => now,
        ...(check === 'age' && { maxTokenAge: 60 }),
      })
      const raw = await sign(key)
      for (const [door, send] of Object.entries(await doors(t, options))) {
        now = Date.now()
        t.equal(await resultsAt(send, raw), 'accepted', `${door}: cached`)
        now += later * 1_000
        t.equal(await resultsAt(send, raw), check, `${door}: ${check}`)
      }
    }
  })

  t.test(`${alg}: rejects a revoked token, cached or not`, async (t) => {
    const jwks = { keys: [key.publicJwk] }
    const server = await createResourceServer({ issuer: ISSUER, audience: AUDIENCE, jwks })
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(resourceServer, given({ jwks }))
    app.get('/', async () => 'accepted')
    const [known, fresh] = [await sign(key), await sign(key, { jti: 'token-2' })]
    const status = async (raw: string) =>
      (await app.inject({ url: '/', headers: bearer(raw) })).statusCode
    for (let i = 0; i < 3; i++) t.equal(await status(known), 200)
    for (let i = 0; i < 3; i++) t.ok(await server.verify(known))
    for (const api of [app.resourceServer, server]) await api.revoke({ sub: 'user-1' })
    for (const raw of [known, known, fresh, fresh]) {
      t.equal(await status(raw), 401)
      await t.rejects(server.verify(raw), { name: 'InvalidTokenError', check: 'revocation' })
    }
  })

  t.test(`${alg}: rejects a valid token that does not meet the requirement`, async (t) => {
    const jwks = { keys: [key.publicJwk] }
    const proving: Partial<PluginOptions> = {
      dpop: { baseUrl: 'https://api.example' },
      mtls: { certificateSource: 'connection' },
    }
    const table: [check: string, RouteRequirement, Record<string, unknown>?][] = [
      ['scope', { scope: 'admin' }],
      ['scope', { anyScope: ['admin', 'root'] }],
      ['policy', { claims: { sub: 'other-subject' } }],
      ['policy', { authorize: () => false }],
      ['policy', { authorize: async () => false }],
      ['authentication', { acr: 'phr' }],
      ['binding', { dpop: 'required' }],
      ['binding', { mtls: 'required' }],
      ['binding', {}, { cnf: TO_KEY }],
      ['binding', {}, { cnf: TO_CERTIFICATE }],
      ['binding', { dpop: 'off' }, { cnf: TO_KEY }],
      ['binding', { mtls: 'off' }, { cnf: TO_CERTIFICATE }],
    ]
    for (const [check, requirement, claims] of table) {
      const raw = await sign(key, claims)
      const title = `${JSON.stringify(requirement)} ${JSON.stringify(claims)}`
      const both = await doors(t, given({ jwks, ...proving }), requirement)
      for (const [door, send] of Object.entries(both)) {
        t.equal(await resultsAt(send, raw), check, `${door}: ${title}`)
      }
    }
  })
}

t.test('rejects an opaque token that is inactive, or that no issuer accepts', async (t) => {
  const issuer = await startIntrospectionServer(t)
  issuer.state.tokens.set('good', { active: true, aud: AUDIENCE, exp: seconds() + 300 })
  issuer.state.tokens.set('bound', { active: true, exp: seconds() + 300, cnf: TO_KEY })
  issuer.state.tokens.set('elsewhere', { active: true, aud: 'x', exp: seconds() + 300 })
  issuer.respond(issuer.metadataPath, json({ ...issuer.metadata, jwks_uri: issuer.jwksUri }))
  const options = { issuer: issuer.issuer, audience: AUDIENCE, introspection: CLIENT }
  for (const [door, send] of Object.entries(await doors(t, options))) {
    t.equal(await resultsAt(send, 'good'), 'accepted', door)
    t.equal(await resultsAt(send, 'unknown'), 'introspection', door)
    t.equal(await resultsAt(send, 'elsewhere'), 'audience', door)
    t.equal(await resultsAt(send, 'no"token'), door === 'the plugin' ? 'credentials' : 'token')
  }
})

/** Values that no step may return, and that must not admit a request. */
const nonsense: readonly unknown[] = [
  undefined,
  null,
  true,
  'token',
  {},
  { claims: { sub: 'admin' }, scope: new Set(), confirmation: undefined, raw: 'x' },
  new Error('none of ours'),
  new InvalidTokenError('The access token expired', { check: 'expiry' }),
]

async function coreThatComesTo(outcome: unknown, by: 'verify' | 'recall'): Promise<Core> {
  const core = await assemble(given() as Parameters<typeof assemble>[0])
  const verify = () => outcome
  const recall = by === 'recall' ? verify : () => undefined
  return { ...core, pipeline: { verify, recall, cachedTokens: 0 } as never }
}

t.test('rejects a request unless the pipeline returns an AccessToken', async (t) => {
  for (const one of nonsense) {
    const outcomes = [one, Promise.resolve(one), suppressRejection(Promise.reject(one))]
    for (const [i, outcome] of [...outcomes, ...outcomes].entries()) {
      const core = await coreThatComesTo(outcome, i < 3 ? 'verify' : 'recall')
      const app: FastifyInstance = Fastify()
      t.teardown(() => app.close())
      app.decorateRequest('auth', null)
      const auths = new Set<unknown>()
      app.setErrorHandler((error: ResourceServerError, request, reply) => {
        auths.add(request.auth)
        reply.code(error.statusCode ?? 500).send()
      })
      const guards = new RouteGuards(true, core)
      const credentials = new RequestCredentials({ extractToken: undefined }, core)
      const rejections = new Rejections(core, credentials, rejectionLog(false, app.log), undefined)
      app.addHook('onRequest', createGuard(core, guards, credentials, rejections).check)
      app.get('/', async () => t.fail('let in'))
      const { statusCode } = await app.inject({ url: '/', headers: bearer('token') })
      t.equal(statusCode, one instanceof InvalidTokenError ? 401 : 500)
      t.strictSame([...auths], [null], 'and request.auth stays null')

      const verifying = new ResourceServer(core).verify('token')
      t.ok((await Promise.allSettled([verifying]))[0]?.status === 'rejected')
    }
  }
})
