/**
 * Compares the profile `rfc9068` with oauth4webapi, which validates access tokens by RFC 9068 as
 * well: we accept nothing that it rejects.
 */
import { allowInsecureRequests, clockTolerance, validateJwtAccessToken } from 'oauth4webapi'
import t from 'tap'
import { createResourceServer, ResourceServerError } from '../../../src/index.js'
import { createAuthorizationServer, type IssueTokenOptions } from '../../../src/testing/index.js'

interface Case {
  readonly claims?: Record<string, unknown>
  readonly options?: IssueTokenOptions
  readonly wanted: 'accepted' | 'rejected'
  /** Cases in which we are stricter, with the reason. */
  readonly stricter?: string
}

const HOUR = 3600
const now = Math.floor(Date.now() / 1000)

const cases: Record<string, Case> = {
  'a token of RFC 9068': { wanted: 'accepted' },
  'several audiences, one of them ours': {
    claims: { aud: ['api://other', 'api://default'] },
    wanted: 'accepted',
  },
  'claims of its own': {
    claims: { tenant: 'acme', roles: ['admin'], nested: { a: [1, null] } },
    wanted: 'accepted',
  },
  'no scope': { claims: { scope: undefined }, wanted: 'accepted' },
  'the whole media type': {
    options: { header: { typ: 'application/at+jwt' } },
    wanted: 'accepted',
  },
  'an expiry within the tolerance': { claims: { exp: now - 5 }, wanted: 'accepted' },
  'another key, RS256': { options: { algorithm: 'RS256' }, wanted: 'accepted' },
  'another key, EdDSA': { options: { algorithm: 'EdDSA' }, wanted: 'accepted' },
  ...Object.fromEntries(
    ['iss', 'aud', 'exp', 'sub', 'client_id', 'iat', 'jti'].map((name): [string, Case] => [
      `no ${name}`,
      { claims: { [name]: undefined }, wanted: 'rejected' },
    ]),
  ),
  ...Object.fromEntries(
    ['sub', 'client_id', 'jti'].map((name): [string, Case] => [
      `${name} that is a number`,
      { claims: { [name]: 1 }, wanted: 'rejected' },
    ]),
  ),
  ...Object.fromEntries(
    ['exp', 'iat', 'nbf'].map((name): [string, Case] => [
      `${name} that is a string`,
      { claims: { [name]: String(now) }, wanted: 'rejected' },
    ]),
  ),
  'another audience': { claims: { aud: 'api://other' }, wanted: 'rejected' },
  'other audiences': { claims: { aud: ['api://other', 'api://Default'] }, wanted: 'rejected' },
  'no audience in its list': { claims: { aud: [] }, wanted: 'rejected' },
  'another issuer': { claims: { iss: 'https://issuer.example.com' }, wanted: 'rejected' },
  'expired an hour ago': { claims: { exp: now - HOUR }, wanted: 'rejected' },
  'not valid before an hour has passed': { claims: { nbf: now + HOUR }, wanted: 'rejected' },
  'typ JWT': { options: { header: { typ: 'JWT' } }, wanted: 'rejected' },
  'no typ': { options: { header: { typ: undefined } }, wanted: 'rejected' },
  'an unknown key': { options: { header: { kid: 'unknown' } }, wanted: 'rejected' },
  'a certificate binding': { claims: { cnf: { 'x5t#S256': 'abc' } }, wanted: 'rejected' },
  'a DPoP binding': { claims: { cnf: { jkt: 'abc' } }, wanted: 'rejected' },
  'issued in the future': {
    claims: { iat: now + HOUR },
    wanted: 'rejected',
    stricter: 'a clock that is an hour ahead is not to be trusted with the expiry either',
  },
}

t.test('agrees with oauth4webapi about', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: 'api://default',
    profile: 'rfc9068',
    clockTolerance: 30,
  })
  t.teardown(() => server.close())
  // Creates all tokens first, so that each key is published when the key set is fetched.
  const tokens = new Map<string, string>()
  for (const [name, { claims, options }] of Object.entries(cases)) {
    tokens.set(name, await issuer.issueToken(claims, options))
  }

  const ours = async (token: string) => {
    try {
      await server.verify(token)
      return 'accepted'
    } catch (error) {
      if (error instanceof ResourceServerError) return 'rejected'
      throw error
    }
  }
  const theirs = async (token: string) => {
    const request = new Request('https://api.example.com/', {
      headers: { authorization: `Bearer ${token}` },
    })
    const metadata = { issuer: issuer.issuer, jwks_uri: issuer.jwksUri }
    const options = { [allowInsecureRequests]: true, [clockTolerance]: 30 }
    return validateJwtAccessToken(metadata, request, 'api://default', options).then(
      () => 'accepted',
      () => 'rejected',
    )
  }

  for (const [name, { wanted, stricter }] of Object.entries(cases)) {
    const token = tokens.get(name) as string
    t.equal(await ours(token), wanted, `${name}: ${wanted}`)
    const theirResult = stricter === undefined ? wanted : 'accepted'
    t.equal(await theirs(token), theirResult, `${name}: ${stricter ?? 'oauth4webapi agrees'}`)
  }

  const [header, payload, signature] = (tokens.get('a token of RFC 9068') as string).split('.')
  const broken = {
    'another payload': `${header}.${Buffer.from('{}').toString('base64url')}.${signature}`,
    'no signature': `${header}.${payload}.`,
    'another signature': `${header}.${payload}.${Buffer.alloc(64, 1).toString('base64url')}`,
    'a signature of zeros': `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
  }
  for (const [name, token] of Object.entries(broken)) {
    t.equal(await ours(token), 'rejected', name)
    t.equal(await theirs(token), 'rejected', `${name}: oauth4webapi agrees`)
  }
})
