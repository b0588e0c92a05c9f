/** B16: issuer identifiers that are not https URLs, if nothing is discovered by them. */
import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import t from 'tap'
import { createExplainer } from '../../src/cli/explain/explanation.js'
import resourceServer, {
  createResourceServer,
  memoryStore,
  openapiTransform,
  type PluginOptions,
} from '../../src/index.js'
import { resolveOptions } from '../../src/server/options.js'
import { runHere } from '../cli/fixtures/run.js'
import { CLIENT, startIntrospectionServer } from '../fixtures/introspection-server.js'
import { AUDIENCE, ISSUER, seconds } from '../fixtures/issuer.js'
import { json, startKeyServer, status } from '../fixtures/key-server.js'
import { bearer, key, protectedApi, tokenOf } from '../fixtures/protected-api.js'
import { issuersIn } from '../fixtures/resolved-issuers.js'

const keys = [key.publicJwk]
const RESOURCE = 'https://api.example.com'
const METADATA = '/.well-known/oauth-protected-resource'

const IDENTIFIERS = {
  'AD FS': 'http://adfs.example/adfs/services/trust',
  FusionAuth: 'acme.com',
  Stytch: 'stytch.com/project-live-6e5b1f0c-1111-4222-8333-944445555666',
  Descope: 'P2abcDEF123',
  Google: 'accounts.google.com',
  'a URN': 'urn:acme:issuer',
  'a URL in capitals': 'https://LOGIN.example/',
  'a URL with dot segments': 'https://login.example/t/../u',
  'a URL with a query': 'https://login.example/?tenant=1',
}

const start = (options: object) => createResourceServer({ audience: AUDIENCE, ...options } as never)

for (const [provider, issuer] of Object.entries(IDENTIFIERS)) {
  t.test(
    `compares the identifier of ${provider} exactly, with keys from another URL`,
    async (t) => {
      const server = await startKeyServer(keys)
      t.teardown(() => server.close())
      const token = await tokenOf({ iss: issuer })
      for (const source of [{ jwks: { keys } }, { jwksUri: server.jwksUri }]) {
        const app = await protectedApi(t, { issuer, jwks: {}, ...source })
        app.get('/', async ({ auth }) => ({ issuer: auth?.issuer }))
        const get = async (token: string) => app.inject({ url: '/', headers: bearer(token) })
        t.same((await get(token)).json(), { issuer })
        t.equal((await get(token)).statusCode, 200, 'from the cache')
        for (const iss of [
          ISSUER,
          `${issuer}/`,
          issuer.toLowerCase() + issuer.toUpperCase(),
          ` ${issuer}`,
        ]) {
          const rejected = await get(await tokenOf({ iss }))
          t.equal(rejected.statusCode, 401, iss)
          t.match(rejected.headers['www-authenticate'], 'an issuer that is not trusted here')
        }
        t.match(app.resourceServer.keySetStatus(), [{ issuer, keys: 1 }])
        await app.resourceServer.revoke({ sub: 'user-1', issuer, before: seconds() + 60 })
        t.match((await get(token)).headers['www-authenticate'], 'was revoked')
        await t.rejects(async () => app.resourceServer.revoke({ sub: 'a', issuer: `${issuer}x` }), {
          message: /must be a trusted issuer identifier/,
        })
      }
      t.same(new Set(server.requests), new Set(['/keys']), 'no metadata is read')
    },
  )
}

t.test('with a shared secret, an issuer may be any string', async (t) => {
  const { SignJWT } = await import('jose')
  const secret = new TextEncoder().encode('s'.repeat(32))
  const server = await start({ issuer: 'my-app', secret, algorithms: ['HS256'] })
  const sign = (iss: string) =>
    new SignJWT({ iss, aud: AUDIENCE, exp: seconds() + 60 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(secret)
  t.match(await server.verify(await sign('my-app')), { issuer: 'my-app' })
  await t.rejects(server.verify(await sign('my-App')), {
    name: 'InvalidTokenError',
    check: 'issuer',
  })
})

t.test('treats one provider with two identifiers as two issuers', async (t) => {
  const jwks = { keys }
  const server = await start({
    issuer: [
      { issuer: 'accounts.google.com', jwks },
      { issuer: 'https://accounts.google.com', jwks },
    ],
  })
  for (const iss of ['accounts.google.com', 'https://accounts.google.com']) {
    t.match(await server.verify(await tokenOf({ iss, azp: 'client-1' })), { issuer: iss })
  }
})

t.test('requires an https URL if keys or introspection are discovered', async (t) => {
  const introspection = { ...CLIENT }
  const endpoint = 'https://login.example/introspect'
  const jwks = { keys }
  for (const [options, fix] of [
    [{}, /To use an issuer without metadata, set "jwksUri", "jwks\.keys" or "secret"$/],
    [{ jwks: { timeout: 100 } }, /set "jwksUri", "jwks\.keys" or "secret"$/],
    [{ jwks, introspection }, /set "introspection\.endpoint"$/],
    [{ introspection: { ...introspection, endpoint } }, /set "jwksUri", "jwks\.keys" or "secret"$/],
    [{ introspection }, /set "jwksUri", "jwks\.keys" or "secret", and "introspection\.endpoint"$/],
  ] as const) {
    for (const issuer of ['acme.com', 'http://adfs.example/adfs/services/trust', 'urn:acme']) {
      await t.rejects(start({ issuer, ...options }), { name: 'TypeError', message: fix }, issuer)
    }
  }
  t.doesNotThrow(() =>
    issuersIn({
      issuer: 'acme.com',
      audience: AUDIENCE,
      jwks: { keys: keys as never },
      introspection: { ...introspection, endpoint },
    }),
  )
})

t.test('requires printable ASCII, at most 512 characters, without credentials', async (t) => {
  const jwks = { keys }
  for (const issuer of [
    undefined,
    null,
    5,
    '',
    'a b',
    'a\nb',
    'a\u0000',
    'a"b',
    'a\\b',
    'é',
    'a'.repeat(513),
  ]) {
    await t.rejects(start({ issuer: { issuer }, jwks }), {
      name: 'TypeError',
      message:
        '"issuer" option must be the issuer identifier, exactly as in the "iss" of tokens: 1 to ' +
        '512 characters of printable ASCII without space, quotation mark or backslash',
    })
  }
  for (const issuer of [' acme.com', 'acme.com\n']) {
    await t.rejects(start({ issuer: { issuer }, jwks }), /must not begin or end with white space/)
  }
  await t.rejects(
    start({ issuer: 'http://user@adfs.example/', jwks }),
    /must not contain credentials/,
  )
  await t.resolves(start({ issuer: 'a'.repeat(512), jwks }))
})

t.test('recognizes known domains in URLs only', async (t) => {
  const profileOf = (issuer: string, options = {}) =>
    issuersIn({ issuer, audience: AUDIENCE, jwks: { keys: keys as never }, ...options })[0]?.profile
      .name
  for (const issuer of ['acme.okta.com', 'acme.auth0.com', 'ftp://acme.auth0.com/']) {
    t.equal(profileOf(issuer), 'standard', issuer)
  }
  t.equal(profileOf('acme', { profile: 'entra' }), 'entra')
  t.equal(profileOf('https://acme.okta.com/oauth2/default'), 'okta')
  t.throws(() => profileOf('http://acme.auth0.com/'), /Use https:\/\/acme\.auth0\.com\/ with/)
  t.throws(
    () => profileOf('http://acme.okta.com/oauth2/x'),
    /Use https:\/\/acme\.okta\.com\/oauth2\/x/,
  )
  for (const issuer of ['acme-{tenantid}', 'urn:{tenantid}']) {
    t.throws(() => profileOf(issuer, { profile: 'entra' }), /allowed only for Entra ID/)
  }
})

t.test('an introspection response must name the issuer exactly, or not at all', async (t) => {
  const issuerServer = await startIntrospectionServer(t)
  const lines: object[] = []
  const server = await start({
    issuer: 'acme.com',
    jwks: { keys },
    introspection: { ...CLIENT, endpoint: `${issuerServer.origin}/introspect`, mode: 'always' },
    stores: { introspection: memoryStore(), sealingSecret: 's'.repeat(32) },
    logger: { warn: (line: object) => void lines.push(line) },
  })
  t.teardown(() => server.close())
  const active = { active: true, aud: AUDIENCE, exp: seconds() + 60, sub: 'ada' }
  issuerServer.state.tokens.set('named', { ...active, iss: 'acme.com' })
  issuerServer.state.tokens.set('unnamed', active)
  issuerServer.state.tokens.set('another', { ...active, iss: 'https://acme.com' })
  t.match(await server.verify('named'), { issuer: 'acme.com' })
  t.match(await server.verify('unnamed'), { issuer: 'acme.com' })
  await t.rejects(server.verify('another'), { name: 'InvalidTokenError', check: 'issuer' })
  const jwt = await tokenOf({ iss: 'acme.com' })
  await t.rejects(server.verify(jwt), { name: 'InvalidTokenError', check: 'introspection' })
  issuerServer.state.tokens.set(await tokenOf({ iss: 'acme.com', jti: 'b' }), active)
  t.notMatch(issuerServer.requests.join(), 'well-known')
  issuerServer.state.instead = status(500)
  await t.rejects(server.verify('new'), { code: 'temporarily_unavailable' })
  t.match(lines, [{ issuer: 'acme.com' }])
})

t.test('a client assertion has the issuer identifier as audience', async (t) => {
  const issuerServer = await startIntrospectionServer(t)
  const { privateKey } = await (await import('jose')).generateKeyPair('ES256')
  const server = await start({
    issuer: 'acme.com',
    jwks: { keys },
    introspection: { clientId: 'api', privateKey, endpoint: `${issuerServer.origin}/introspect` },
  })
  t.teardown(() => server.close())
  issuerServer.state.tokens.set('opaque', { active: true, aud: AUDIENCE, exp: seconds() + 60 })
  await server.verify('opaque')
  const assertion = issuerServer.introspections[0]?.form.get('client_assertion') ?? ''
  const { aud } = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString())
  t.same([aud].flat(), ['acme.com'])
})

t.test('logs a failed key fetch with the identifier', async (t) => {
  const server = await startKeyServer(keys)
  t.teardown(() => server.close())
  server.respond('/keys', status(500))
  const lines: object[] = []
  const api = await start({
    issuer: 'acme.com',
    jwksUri: server.jwksUri,
    logger: { warn: (line: object) => void lines.push(line) },
  })
  t.teardown(() => api.close())
  await t.rejects(api.verify(await tokenOf({ iss: 'acme.com' })), {
    code: 'temporarily_unavailable',
  })
  t.match(lines, [{ issuer: 'acme.com' }])
})

t.test('OpenAPI has a bearer scheme for it, without a metadata URL', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, { openapi: {}, transform: openapiTransform(app) })
  await app.register(resourceServer, {
    issuer: [ISSUER, { issuer: 'acme.com', jwks: { keys: keys as never } }],
    audience: AUDIENCE,
  })
  app.get('/', async () => 'ok')
  await app.ready()
  t.strictSame(JSON.parse(JSON.stringify(app.swagger())).components.securitySchemes, {
    accessToken: {
      type: 'openIdConnect',
      openIdConnectUrl: `${ISSUER}/.well-known/openid-configuration`,
      description: `An access token from ${ISSUER}.`,
    },
    accessToken2: {
      type: 'http',
      scheme: 'bearer',
      description: 'An access token from acme.com.',
    },
  })
})

t.test('authorization_servers lists only issuers that clients can discover', async (t) => {
  const jwks = { keys: keys as never }
  const listed = async (options: Partial<PluginOptions>) => {
    const app = await protectedApi(t, { resourceMetadata: RESOURCE, jwks: {}, ...options })
    return (await app.inject(METADATA)).json().authorization_servers
  }
  const others = Object.values(IDENTIFIERS).filter((one) => !/^https:[^?]+$/.test(one))
  t.strictSame(await listed({ issuer: [ISSUER, ...others.map((issuer) => ({ issuer, jwks }))] }), [
    ISSUER,
  ])
  t.strictSame(await listed({ issuer: 'http://127.0.0.1:9000/a' }), ['http://127.0.0.1:9000/a'])
  t.strictSame(
    await listed({ issuer: 'http://keycloak:8080/realms/a', dangerouslyAllowHttp: true }),
    ['http://keycloak:8080/realms/a'],
    'allowed over http by the operator',
  )
  const template = 'https://login.microsoftonline.com/{tenantid}/v2.0'
  const guid = 'c1d2e3f4-0516-4273-8495-a6b7c8d9e0f1'
  for (const options of [
    ...others.map((issuer) => ({ issuer, jwks })),
    { issuer: template, audience: guid },
  ]) {
    await t.rejects(
      start({ ...options, resourceMetadata: RESOURCE }),
      {
        name: 'TypeError',
        message:
          '"resourceMetadata.authorizationServers" option must list the https URLs at which clients ' +
          'find the metadata of your authorization servers: no "issuer" is such a URL',
      },
      options.issuer,
    )
    const authorizationServers = ['https://login.example']
    t.strictSame(
      await listed({ ...options, resourceMetadata: { resource: RESOURCE, authorizationServers } }),
      authorizationServers,
    )
  }
})

t.test('a function as issuer may resolve it if it names the source of the keys', async (t) => {
  const server = await startKeyServer(keys)
  t.teardown(() => server.close())
  const resolutions = new Map<string, object | true>([
    ['acme.com', { jwks: { keys } }],
    ['P2abcDEF123', { jwksUri: server.jwksUri }],
    ['http://adfs.example/adfs/services/trust', { jwks: { keys } }],
    ['bare.example', true],
  ])
  const api = await start({ issuer: (iss: string) => resolutions.get(iss) as never })
  t.teardown(() => api.close())
  for (const [iss, response] of resolutions) {
    const verifying = api.verify(await tokenOf({ iss }))
    if (response !== true) t.match(await verifying, { issuer: iss })
    else
      await t.rejects(verifying, {
        name: 'TypeError',
        cause: { message: /To use an issuer without/ },
      })
  }
  await t.rejects(api.verify(await tokenOf({ iss: 'other.com' })), {
    name: 'InvalidTokenError',
    check: 'issuer',
  })
  await t.resolves(api.revoke({ sub: 'user-1', issuer: 'acme.com' }))
  await t.rejects(async () => api.revoke({ sub: 'user-1', issuer: 'a b' }), TypeError)
})

t.test(
  'explain agrees with the API, and gives advice about identifiers that are no URL',
  async (t) => {
    const server = await startKeyServer(keys)
    t.teardown(() => server.close())
    const explain = async (iss: unknown, issuer = 'acme.com') => {
      const args = ['explain', '--issuer', issuer, '--audience', AUDIENCE]
      return runHere([...args, '--jwks-uri', server.jwksUri], { input: await tokenOf({ iss }) })
    }
    t.equal((await explain('acme.com')).code, 0)
    for (const [iss, advice] of [
      ['ACME.com', 'The issuer identifiers differ only in upper and lower case'],
      ['https://acme.com', 'The issuer identifiers differ only in the scheme before "://"'],
      ['acme.com/', 'The issuer identifiers differ only in the trailing slash'],
      ['other.com', 'Get a token from acme.com; or'],
      ['https://login.microsoftonline.com/a/v2.0', 'Get a token from acme.com; or'],
      ['', 'The token has no issuer identifier'],
      [5, 'The token has no issuer identifier'],
    ] as const) {
      const { code, stdout } = await explain(iss)
      t.equal(code, 1)
      t.match(stdout, advice)
    }
    t.match((await explain('acme.com', 'https://other.example')).stdout, 'exactly: acme.com')
    t.match(await runHere(['explain', '--issuer', 'acme.com', '--audience', 'a'], { input: 'x' }), {
      code: 2,
      stderr: /--issuer must be a URL.*To use an issuer without metadata, set --jwks-uri, /,
    })
    const explainer = await createExplainer(
      { issuer: 'acme.com', audience: AUDIENCE, jwks: { keys: keys as never } },
      {},
    )
    t.match((await explainer.explain(await tokenOf({ iss: 'acme.com' }))).result, {
      accepted: true,
    })
    await explainer.close()
  },
)

t.test(
  'A6: rejects a URL that URL parsers serialize differently, and shows that form',
  async (t) => {
    const spelled = (issuer: string) =>
      `"issuer" option must be spelled as URL parsers write it, and so must the "iss" of tokens: ${issuer}`
    const messageFor = (issuer: string, options = {}) => {
      try {
        resolveOptions({ issuer, audience: AUDIENCE, ...options })
        return 'none'
      } catch (error) {
        return (error as TypeError).message
      }
    }
    const introspection = { ...CLIENT }
    for (const [issuer, spelling] of [
      ['https://LOGIN.example', 'https://login.example'],
      ['https://LOGIN.example/', 'https://login.example/'],
      ['HTTPS://login.example', 'https://login.example'],
      ['https://login.example:443/t', 'https://login.example/t'],
      ['http://127.0.0.1:80/t', 'http://127.0.0.1/t'],
      ['http://127.1/t', 'http://127.0.0.1/t'],
      ['https://login.example/t/good/../evil', 'https://login.example/t/evil'],
      ['https://login.example/t/./a', 'https://login.example/t/a'],
      ['https://login.example/t/%2e%2E/evil', 'https://login.example/evil'],
      ['https://login.example/t/.%2e', 'https://login.example'],
      ['https://login%2eexample/t', 'https://login.example/t'],
      ['https://login.example\\t', 'https://login.example/t'],
      ['https:\\\\login.example/t', 'https://login.example/t'],
      ['https:login.example', 'https://login.example'],
      ['https:///login.example/t', 'https://login.example/t'],
      ['https://@login.example/t', 'https://login.example/t'],
      ['https://login.exa\tmple/t', 'https://login.example/t'],
      ['\u0001https://login.example/t', 'https://login.example/t'],
      ['\u0000\thttps://login.example/t', 'https://login.example/t'],
      ['https://login.example/{a}', 'https://login.example/%7Ba%7D'],
      ['https://login.example/"', 'https://login.example/%22'],
      ['https://müller.example', 'https://xn--mller-kva.example'],
      ['https://login.example/ü', 'https://login.example/%C3%BC'],
      ['https://ＬＯＧＩＮ.example/t', 'https://login.example/t'],
    ] as const) {
      t.equal(messageFor(issuer), spelled(spelling), issuer)
      t.equal(
        messageFor(issuer, { jwks: { keys }, introspection }),
        spelled(spelling),
        `${issuer}, for introspection`,
      )
      t.equal(messageFor(spelling), 'none', spelling)
    }
    for (const issuer of [
      'https://login.example/t%2f..%2fevil',
      'https://login.example/t%5C%2e%2e%5Cevil',
      'https://login.example/t/..;/evil',
    ]) {
      t.match(messageFor(issuer), /^"issuer" option must not have dot segments in its path/, issuer)
      t.equal(messageFor(issuer, { jwks: { keys } }), 'none', 'nothing is fetched for it')
    }
    const guid = 'c1d2e3f4-0516-4273-8495-a6b7c8d9e0f1'
    const entra = (issuer: string) => messageFor(issuer, { audience: guid, profile: 'entra' })
    t.equal(entra('https://login.microsoftonline.com/{tenantid}/v2.0'), 'none')
    t.equal(entra('https://proxy.example/{tenantid}/v2.0'), 'none')
    t.equal(
      entra('https://PROXY.example/{tenantid}/v2.0'),
      spelled('https://proxy.example/{tenantid}/v2.0'),
    )
    t.equal(
      messageFor(ISSUER, { issuer: [ISSUER, 'https://A.example'] }),
      spelled('https://a.example'),
      'among others',
    )
  },
)

t.test('A6: fetches nothing for another spelling of the tenant', async (t) => {
  const server = await startKeyServer(keys)
  t.teardown(() => server.close())
  server.respond('/evil/.well-known/openid-configuration', json({ issuer: 'x' }))
  await t.rejects(start({ issuer: `${server.origin}/t/good/../../evil` }), TypeError)
  t.same(server.requests, [])
})
