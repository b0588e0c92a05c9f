/**
 * Each message in the tables of mistakes in docs/providers.md is the plugin's: a Fastify app with
 * the registration of the provider's fixture rejects a token with the mistake of the row.
 */
import { createSecretKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, { type PluginOptions, type ResourceServerError } from '../../src/index.js'
import { type Signer, signed } from '../fixtures/forgery.js'
import { base64url, makeKey, seconds, type TestKey } from '../fixtures/issuer.js'
import type { ProviderFixture, TokenContent } from '../fixtures/providers/provider-fixture.js'
import { FIXTURES } from '../fixtures/providers/providers.js'

const doc = readFileSync(new URL('../../docs/providers.md', import.meta.url), 'utf8')

const keys = new Map<ProviderFixture, Promise<TestKey>>()

type Name = keyof typeof FIXTURES

/** A mistake: tokens that a fixture's API must reject, each with a message of the row. */
interface Mistake {
  readonly fixture: Name
  /** Replaces options of the fixture's registration; `undefined` removes one. */
  readonly options?: Readonly<Record<string, unknown>>
  /** Names of `otherTokens` of the fixture. */
  readonly others?: readonly string[]
  /** Claims that replace those of the access token; `undefined` removes one. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Parameters that replace those of the access token's header. */
  readonly header?: Readonly<Record<string, unknown>>
  /** Tokens that are no JWTs signed by the issuer. */
  readonly raw?: readonly string[]
  /** Whether the route requires the scope orders:read. */
  readonly needsScope?: boolean
  /** Signs with a shared secret. */
  readonly isSymmetric?: boolean
  /** The registration fails. */
  readonly failsToRegister?: boolean
  /** The token is accepted. */
  readonly isAccepted?: boolean
}

const OTHER = 'https://other.example'
const SECRET = { alg: 'HS256', privateKey: createSecretKey(Buffer.alloc(32, 1)) }
const ENTRA_V1 = 'https://sts.windows.net/3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4b/'
const GRAPH = '00000003-0000-0000-c000-000000000000'
const JWE = `${base64url({ alg: 'dir', enc: 'A256GCM' })}..aaaa.aaaa.aaaa`
const OPAQUE = ['opaque_token']
const audience = 'https://orders.example'
const only = { dangerouslyNoAudience: undefined, audience }

const on = (fixture: Name, mistake: Omit<Mistake, 'fixture'>): Mistake => ({ fixture, ...mistake })
const idToken = (fixture: Name, ...more: readonly string[]) =>
  on(fixture, { others: ['ID token', ...more] })
const claims = (fixture: Name, replaced: Mistake['claims'], options = {}): Mistake =>
  on(fixture, { options, claims: { ...replaced } })
const noScope = (fixture: Name, removed: Mistake['claims'] = {}) =>
  on(fixture, { needsScope: true, claims: { scope: undefined, scp: undefined, ...removed } })

/** By section, the start of each row. */
const MISTAKES: Readonly<Record<string, Readonly<Record<string, Mistake>>>> = {
  Okta: {
    'the client sends the ID token': on('okta', {
      others: ['ID token for the audience of this API'],
    }),
    '`audience` is the client ID': on('okta', { options: { audience: '0oa1client' } }),
    'the access policy does not grant the scope': on('okta', {
      needsScope: true,
      claims: { scp: ['openid'] },
    }),
  },
  Auth0: {
    'the client requested no `audience`': on('auth0', { raw: [JWE, ...OPAQUE] }),
    'the client sends the ID token': idToken('auth0', 'ID token for the audience of this API'),
    '`issuer` is a custom domain': claims(
      'auth0',
      { iss: 'https://login.example.com/' },
      { issuer: 'https://login.example.com', profile: 'auth0', jwksUri: `${OTHER}/jwks` },
    ),
  },
  'Microsoft Entra ID, one tenant': {
    'the tokens are v1.0': claims('entra', { iss: ENTRA_V1 }),
    'the client sends the ID token': idToken('entra'),
    'the client sends a v2.0 token for Microsoft Graph': claims('entra', { aud: GRAPH }),
    'the client sends a v1.0 token for Microsoft Graph': claims('entra', {
      iss: ENTRA_V1,
      aud: GRAPH,
    }),
    'an application without any role': on('entra', { others: ['token without permissions'] }),
  },
  'Amazon Cognito': {
    'the client sends the ID token': idToken('cognito'),
    'the app client is not in `audience`': claims('cognito', { client_id: 'other' }),
  },
  Keycloak: {
    'the client has no Audience mapper': claims('keycloak', { aud: 'account' }),
    'the client sends the ID token or the refresh token': idToken('keycloak', 'refresh token'),
    'the client gets its token at another host name': claims('keycloak', { iss: OTHER }),
    '`issuer` is plain http': on('keycloak', {
      options: { issuer: 'http://keycloak:8080/realms/acme' },
      failsToRegister: true,
    }),
  },
  Clerk: {
    '`audience` is set, but neither': on('clerk', {
      options: { audience, dangerouslyAudienceFrom: undefined },
    }),
    'the client sends an ID token': idToken('clerk', 'JWT template'),
    'the client sends an opaque token': on('clerk', { raw: ['oat_1', 'mt_1', 'ak_1'] }),
    'the origin of the page is not in `audience`': claims('clerk', { azp: OTHER }),
    'a route requires a scope': noScope('clerk'),
  },
  Zitadel: {
    'a route requires a scope': noScope('zitadel'),
    'the client sends the ID token': idToken('zitadel'),
    'the client is in another project': claims('zitadel', { aud: ['257787236731944963'] }),
  },
  authentik: {
    '`audience` is not the client ID': claims('authentik', { aud: 'other' }),
    'a route requires a scope': noScope('authentik'),
    'the client sends the ID token': idToken('authentik'),
  },
  'Ory Hydra': {
    'the client requested no audience': claims('hydra', { aud: [] }),
    'the client sends the ID token': idToken('hydra'),
    'the client sends an opaque token': on('hydra', { raw: ['ory_at_1'] }),
  },
  FusionAuth: {
    'FusionAuth is older': claims('fusionauth', { tty: undefined }),
    'the client sends the ID token': idToken('fusionauth'),
    '`audience` is not the application ID': claims('fusionauth', { aud: 'other' }),
    '`issuer` is the URL of FusionAuth': on('fusionauth', {
      options: { issuer: 'https://auth.acme.com' },
    }),
    'the tokens are signed with HS256': on('fusionauth', { isSymmetric: true }),
  },
  'Duende IdentityServer': {
    'the client requested no scope of an API resource': claims('duende', { aud: undefined }),
    'the client sends the ID token': idToken('duende'),
  },
  OpenIddict: {
    'no resource of the granted scopes': claims('openiddict', { aud: 'other' }),
    'the token is encrypted': on('openiddict', { raw: [JWE] }),
    'the client sends the ID token or the refresh token': idToken('openiddict', 'refresh token'),
  },
  PingOne: {
    'the client requested no scope of the resource': claims('pingone', { aud: [OTHER] }),
    'the client sends the ID token': idToken('pingone'),
    '`act` is a text': claims('pingone', { act: 'noActor' }),
  },
  PingFederate: {
    '*Issuer Claim Value* is empty': claims('pingfederate', { iss: undefined }),
    '*Audience Claim Value* is empty': claims('pingfederate', { aud: undefined }),
    'the client sends the ID token': idToken('pingfederate'),
  },
  Supabase: {
    'the client sends the ID token': on('supabase', {
      others: ['ID token', 'ID token with the audience of access tokens'],
    }),
    'the client sends a legacy API key': on('supabase', {
      claims: { iss: 'supabase', aud: undefined, sub: undefined, session_id: undefined },
    }),
    'the project still signs with the legacy JWT secret': on('supabase', { isSymmetric: true }),
    '`audience` is another value': on('supabase', { options: { audience } }),
    'a route requires a scope': noScope('supabase', { client_id: undefined }),
  },
  'Firebase Authentication': {
    'the client sends a custom token': claims('firebase', {
      iss: 'firebase-adminsdk@acme-prod.iam.gserviceaccount.com',
    }),
    'the token lacks the claim `firebase`': claims('firebase', { firebase: undefined }),
    'a route requires a scope': noScope('firebase'),
  },
  'Google service accounts': {
    'a route requires no `email` or `sub`': on('google', {
      claims: { sub: '1', email: 'other@other.iam.gserviceaccount.com' },
      isAccepted: true,
    }),
    'the caller requested another `aud`': claims('google', { aud: OTHER }),
    'a route requires a scope': noScope('google'),
    'the caller sends a Google access token': on('google', { raw: ['ya29.a0AfH6SMB'] }),
  },
  WorkOS: {
    'the client sends the ID token': idToken('workos'),
    'the token has `aud`': claims('workos', { aud: OTHER }),
    '`audience` is set': claims('workos', { aud: OTHER }, only),
    'a route requires a scope': noScope('workos'),
  },
  'Better Auth': {
    'the client sends the ID token': idToken('better-auth'),
    '`issuer` is the origin': on('better-auth', { options: { issuer: 'https://app.example' } }),
    'the token is for another resource': claims('better-auth', { aud: OTHER }),
    'a route requires a scope': {
      ...noScope('better-auth', { client_id: undefined, azp: undefined }),
      header: { typ: undefined },
    },
  },
  Kinde: {
    'the client requested no audience': claims('kinde', { aud: [] }),
    'the client sends the ID token': idToken('kinde'),
  },
  Logto: {
    'the client sends the ID token': idToken('logto'),
    'the client requested no `resource`': on('logto', { raw: OPAQUE }),
    'the client requested another `resource`': claims('logto', { aud: OTHER }),
  },
  Descope: {
    'the client sends the refresh token': on('descope', { others: ['refresh token'] }),
    'the `iss` of the tokens is a URL': claims('descope', {
      iss: 'https://api.descope.com/P2abcdefghijklmnopqrstuvwxyz',
    }),
    'the token has `aud`': claims('descope', { aud: OTHER }),
    '`audience` is set': claims('descope', { aud: OTHER }, only),
    'a route requires a scope': noScope('descope'),
  },
  Stytch: {
    'the client sends the ID token': idToken('stytch'),
    '`audience` is not the project ID': on('stytch', { options: { audience } }),
    'a route requires a scope': noScope('stytch'),
    '`profile` and `jwksUri` are absent': on('stytch', {
      options: { profile: undefined, jwksUri: undefined },
      failsToRegister: true,
    }),
  },
  SuperTokens: {
    'the client sends the ID token': idToken('supertokens', 'JWT of the recipe jwt'),
    'the token has `aud`': claims('supertokens', { aud: OTHER }),
    '`audience` is set': on('supertokens', { options: only }),
    'a route requires a scope': noScope('supertokens'),
  },
  'Any other': {
    '`profile` is `rfc9068`': on('rfc9068', { others: ['token with the typ JWT'] }),
    'the client sends the ID token': idToken('standard', 'ID token for the audience of this API'),
    '`issuer` has an extra or a missing slash': claims('standard', {
      iss: 'https://login.example.com/',
    }),
  },
}

for (const [section, mistakes] of Object.entries(MISTAKES)) {
  t.test(section, async (t) => {
    const rows = rowsOf(section)
    const starts = Object.keys(mistakes)
    t.equal(rows.length, starts.length, 'a mistake for each row')
    for (const { mistake, cell } of rows) {
      const [start, ...more] = starts.filter((start) => mistake.startsWith(start))
      t.same(more, [], mistake)
      if (start === undefined) t.fail(`no token for the row: ${mistake}`)
      else await checkRow(t, mistake, cell, mistakes[start] as Mistake)
    }
  })
}

t.test('each table of mistakes belongs to a section above', async (t) => {
  const tables = doc.match(/^\| mistake \| message \|$/gm) ?? []
  t.equal(tables.length, Object.keys(MISTAKES).length)
})

async function checkRow(t: Test, title: string, cell: string, mistake: Mistake): Promise<void> {
  const produced = await responsesTo(t, mistake)
  if (mistake.isAccepted) {
    t.same([cell.slice(0, 5), produced], ['none:', []], title)
    return
  }
  const [status] = /^\d{3}/.exec(cell) ?? ['registration']
  const [, expected] = /expected `([^`]+)`/.exec(cell) ?? []
  const messages = [...cell.matchAll(/`((?:The |A |"issuer" option )[^`]+)`/g)].map(
    ([, text]) => text,
  )
  for (const { error, ...response } of produced) {
    t.equal(`${response.status}`, status, title)
    t.ok(
      messages.some((message = '') => matches(error.message, message)),
      `${title}: ${error.message}`,
    )
    if (expected === undefined) continue
    const found = (error as ResourceServerError).reason.expected ?? ''
    t.ok(matches(found, expected), `${title}: ${found}`)
  }
  for (const message of messages) {
    t.ok(
      produced.some(({ error }) => matches(error.message, message ?? '')),
      `${title}: ${message}`,
    )
  }
  t.ok(messages.length > 0 && produced.length > 0, title)
}

/** Whether the text is as quoted: … stands for text that the page leaves out. */
function matches(text: string, quoted: string): boolean {
  const [start = '', end = start, ...more] = quoted.split('…')
  if (!quoted.includes('…')) return text === quoted
  return more.length === 0 && text.startsWith(start) && text.endsWith(end)
}

/** Returns the rows of the section's table of mistakes. */
function rowsOf(section: string) {
  const [, text = ''] = doc.split(`\n## ${section}\n`)
  const [own = ''] = text.split(/^## /m)
  const [, table = ''] = own.split('\n| mistake | message |\n| --- | --- |\n')
  const [lines = ''] = table.split('\n\n')
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [, mistake = '', cell = ''] = /^\| (.+?) \| (.+) \|$/.exec(line) ?? []
      return { mistake, cell }
    })
}

interface Produced {
  readonly status: number | 'registration'
  readonly error: Error
}

/** Returns the errors for the tokens of a mistake, or of the registration. */
async function responsesTo(t: Test, mistake: Mistake): Promise<readonly Produced[]> {
  const fixture = FIXTURES[mistake.fixture] as ProviderFixture
  const { accessToken, otherTokens, registration } = fixture
  const key = await keyOf(fixture)
  const documents = fixture.documents({ keys: [key.publicJwk] })
  const errors: Error[] = []
  const given = Object.entries({ ...registration, ...mistake.options })
  const app = Fastify()
  t.teardown(() => app.close())
  try {
    const options = {
      ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
      jwks: { fetch: async (url: string) => Response.json(documents[url] ?? {}) },
      onReject: (error: ResourceServerError) => void errors.push(error),
    }
    await app.register(resourceServer, options as unknown as PluginOptions)
  } catch (error) {
    if (mistake.failsToRegister) return [{ status: 'registration', error: error as Error }]
    throw error
  }
  const auth = mistake.needsScope ? { scope: 'orders:read' } : {}
  app.get('/', { config: { auth } }, async () => 'ok')

  const signer = mistake.isSymmetric ? SECRET : key
  const contents = mistake.others?.map((name) => otherTokens[name] as TokenContent)
  const withMistake = {
    header: { ...accessToken.header, ...mistake.header },
    claims: { ...accessToken.claims, ...mistake.claims },
  }
  const tokens = mistake.raw ?? (contents ?? [withMistake]).map((one) => tokenOf(one, signer))
  const statuses: number[] = []
  for (const token of tokens) {
    const headers = { authorization: `Bearer ${token}` }
    const { statusCode } = await app.inject({ url: '/', headers })
    if (statusCode !== 200) statuses.push(statusCode)
  }
  t.equal(errors.length, statuses.length, 'an error for each rejected token')
  return errors.map((error, at) => ({ status: statuses[at] as number, error }))
}

function keyOf(fixture: ProviderFixture): Promise<TestKey> {
  const { kid = 'key-1' } = fixture.accessToken.header
  const key = keys.get(fixture) ?? makeKey(fixture.alg, kid as string)
  keys.set(fixture, key)
  return key
}

function tokenOf({ header, claims }: TokenContent, signer: Signer): string {
  const now = seconds()
  const times = { iat: now - 10, exp: now + 300, nbf: now - 10, auth_time: now - 60 }
  const set = Object.entries(times).filter(
    ([name]) => name === 'iat' || name === 'exp' || Object.hasOwn(claims, name),
  )
  const input = [
    base64url({ alg: signer.alg, kid: 'key-1', ...header }),
    base64url({ ...claims, ...Object.fromEntries(set) }),
  ]
  return signed(signer, input.join('.'))
}
