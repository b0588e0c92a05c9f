/** B15: access tokens with the hashes of ID tokens, which Dex and Authentik issue. */
import t from 'tap'
import { createExplainer } from '../../src/cli/explain/explanation.js'
import { createResourceServer } from '../../src/index.js'
import { runHere } from '../cli/fixtures/run.js'
import { AUDIENCE, ISSUER, sign } from '../fixtures/issuer.js'
import { startKeyServer } from '../fixtures/key-server.js'
import { bearer, given, key, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const DEX = { at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' }
const HASHES = [DEX, { c_hash: 'x' }, { s_hash: 'x' }, { ...DEX, c_hash: 'x', s_hash: 'x' }]
const OPTION = { dangerouslyAllowIdTokenClaims: true }

/** Claims and headers that still identify a token as no access token for this API. */
const OTHERS = {
  'token_use: id': { claims: { token_use: 'id' } },
  'token_use: refresh': { claims: { token_use: 'refresh' } },
  'typ: ID': { claims: { typ: 'ID' } },
  'typ: Refresh': { claims: { typ: 'Refresh' } },
  'typ: Logout': { claims: { typ: 'Logout' } },
  'the events of a SET': { claims: { events: { 'http://schemas.openid.net/event': {} } } },
  'a header for ID tokens': { header: { typ: 'id+jwt' } },
  'a header for logout tokens': { header: { typ: 'logout+jwt' } },
  'a client as audience': { claims: { aud: 'client-1' } },
}

async function statusOf(t: Parameters<typeof protectedApi>[0], options: object, token: string) {
  const app = await protectedApi(t, options)
  app.get('/', async ({ claims }) => claims)
  return (await app.inject({ url: '/', headers: bearer(token) })).statusCode
}

t.test('accepts the hashes of ID tokens only with dangerouslyAllowIdTokenClaims', async (t) => {
  for (const hashes of HASHES) {
    const token = await tokenOf(hashes)
    t.equal(await statusOf(t, {}, token), 401)
    t.equal(await statusOf(t, { dangerouslyAllowIdTokenClaims: false }, token), 401)
    t.equal(await statusOf(t, OPTION, token), 200)
  }
})

t.test('still rejects ID, refresh and logout tokens by their other claims', async (t) => {
  for (const [title, { claims = {}, header = {} }] of Object.entries<{
    claims?: object
    header?: Record<string, unknown>
  }>(OTHERS)) {
    for (const hashes of [{}, DEX]) {
      const token = await sign(key, { ...hashes, ...claims }, { header })
      t.equal(await statusOf(t, OPTION, token), 401, title)
    }
  }
})

t.test('still requires the access token claims of each profile', async (t) => {
  for (const profile of ['okta', 'keycloak', 'cognito'] as const) {
    t.equal(await statusOf(t, { ...OPTION, profile }, await tokenOf(DEX)), 401, profile)
  }
  const jwt = await sign(key, DEX, { header: { typ: 'JWT' } })
  t.equal(await statusOf(t, { ...OPTION, profile: 'rfc9068' }, jwt), 401)
  const keycloak = await tokenOf({ ...DEX, typ: 'Bearer' })
  t.equal(await statusOf(t, { ...OPTION, profile: 'keycloak' }, keycloak), 200)
})

t.test('applies the option to one issuer or tenant only', async (t) => {
  const OTHER = 'https://other.example'
  const jwks = { keys: [key.publicJwk] }
  const issuer = [
    { issuer: ISSUER, jwks, ...OPTION },
    { issuer: OTHER, jwks },
  ]
  const byFunction = (iss: string) => issuer.find((one) => one.issuer === iss)
  for (const option of [issuer, byFunction]) {
    const options = { issuer: option, jwks: undefined }
    t.equal(await statusOf(t, options, await tokenOf(DEX)), 200)
    t.equal(await statusOf(t, options, await tokenOf({ ...DEX, iss: OTHER })), 401)
  }
})

t.test('rejects a value that is not a boolean', async (t) => {
  for (const value of ['yes', 1, null]) {
    const options = { ...given(), dangerouslyAllowIdTokenClaims: value } as never
    await t.rejects(createResourceServer(options), {
      name: 'TypeError',
      message: '"dangerouslyAllowIdTokenClaims" option must be true or false',
    })
  }
})

t.test('explain gives the result of the API, with the option and without', async (t) => {
  const server = await startKeyServer([key.publicJwk])
  t.teardown(() => server.close())
  const args = ['explain', '--issuer', ISSUER, '--audience', AUDIENCE, '--jwks-uri', server.jwksUri]
  const input = await tokenOf(DEX)
  const without = await runHere(args, { input })
  t.equal(without.code, 1)
  t.match(
    without.stdout,
    /looks like an ID token.*To try the option here, add --dangerously-allow-id-token-claims/,
  )
  const flag = '--dangerously-allow-id-token-claims'
  t.match(await runHere([...args, flag], { input }), { code: 0, stderr: '' })
  const marked = await runHere([...args, flag], {
    input: await tokenOf({ ...DEX, token_use: 'id' }),
  })
  t.equal(marked.code, 1)
  t.match(marked.stdout, 'This looks like an ID token')
  t.notMatch(marked.stdout, 'To try the option here')
  const explainer = await createExplainer({ ...given(), ...OPTION } as never, {})
  t.match((await explainer.explain(input)).result, { accepted: true })
  await explainer.close()
})
