/** What the exchanger sends: the grants, client authentication, and the arguments of a call. */
import { exportJWK, generateKeyPair, jwtVerify } from 'jose'
import t from 'tap'
import type { TokenExchangeRequest } from '../../src/exchange/exchange-parameters.js'
import { json } from '../fixtures/key-server.js'
import {
  ACCESS_TOKEN,
  CLIENT,
  exchangerOf,
  issued,
  oauthError,
  startTokenServer,
} from '../fixtures/token-server.js'

const JWT = 'urn:ietf:params:oauth:token-type:jwt'

t.test('RFC 8693 §2.1: sends the subject token and what is requested', async (t) => {
  const server = await startTokenServer(t)
  const { exchanger } = await exchangerOf(t, server)
  const token = await exchanger.exchange('subject', {
    audience: ['payments', 'billing'],
    resource: 'https://payments.example/api',
    scope: ['payments:write', 'payments:read payments:write'],
    actorToken: 'actor',
    parameters: { connection: 'google' },
  })
  const [{ form, headers } = never()] = server.exchanges
  t.strictSame(
    [...form],
    [
      ['subject_token', 'subject'],
      ['subject_token_type', ACCESS_TOKEN],
      ['requested_token_type', ACCESS_TOKEN],
      ['audience', 'billing'],
      ['audience', 'payments'],
      ['resource', 'https://payments.example/api'],
      ['scope', 'payments:read payments:write'],
      ['actor_token', 'actor'],
      ['actor_token_type', ACCESS_TOKEN],
      ['connection', 'google'],
      ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    ],
  )
  const id = new URLSearchParams({ '': CLIENT.clientSecret }).toString().slice(1)
  t.equal(headers.authorization, `Basic ${btoa(`${CLIENT.clientId}:${id}`)}`)
  t.match(token, {
    accessToken: 'issued-for-subject-1',
    tokenType: 'Bearer',
    expiresAt: 1_800_000_300,
    scope: ['payments:read', 'payments:write'],
  })
  t.strictSame(await token.headers({ url: 'https://payments.example/api' }), {
    authorization: 'Bearer issued-for-subject-1',
  })
})

t.test('entra: sends the assertion and on_behalf_of', async (t) => {
  const server = await startTokenServer(t)
  server.state.respond = () =>
    json({ access_token: 'graph', token_type: 'Bearer', expires_in: '3599', scope: 'User.Read' })
  const { exchanger } = await exchangerOf(t, server, {
    protocol: 'entra',
    clientAuthentication: 'client_secret_post',
  })
  const scope = 'https://graph.microsoft.com/.default'
  const token = await exchanger.exchange('subject', { scope })
  t.strictSame(Object.fromEntries(server.exchanges[0]?.form ?? []), {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: 'subject',
    requested_token_use: 'on_behalf_of',
    scope,
    client_id: CLIENT.clientId,
    client_secret: CLIENT.clientSecret,
  })
  t.match(token, { accessToken: 'graph', expiresAt: 1_800_003_599, scope: ['User.Read'] })
})

t.test('authenticates with a signed assertion for the issuer or the endpoint', async (t) => {
  const server = await startTokenServer(t)
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), alg: 'ES256' }
  const byIssuer = await exchangerOf(t, server, { privateKey: jwk })
  await byIssuer.exchanger.exchange('subject')
  const byEndpoint = await exchangerOf(t, server, {
    ...{ issuer: undefined as never },
    tokenEndpoint: server.endpoint,
    subjectIssuers: server.issuer,
    privateKey,
  })
  await byEndpoint.exchanger.exchange('subject')
  t.equal(server.count(server.metadataPath), 1, 'no discovery with a configured endpoint')
  for (const [i, audience] of [server.issuer, server.endpoint].entries()) {
    const assertion = server.exchanges[i]?.form.get('client_assertion') ?? ''
    const { payload, protectedHeader } = await jwtVerify(assertion, publicKey, { audience })
    t.equal(payload.sub, CLIENT.clientId)
    t.equal(protectedHeader.typ, i === 0 ? 'client-authentication+jwt' : undefined)
  }
})

t.test('converts an error for a client without a secret', async (t) => {
  const server = await startTokenServer(t)
  const { privateKey } = await generateKeyPair('ES256')
  server.state.respond = () => oauthError('invalid_grant')
  const { outcome } = await exchangerOf(t, server, { privateKey })
  t.equal(await outcome('subject'), '403 invalid_grant')
})

t.test('requests a JWT, and requires that the response says so', async (t) => {
  const server = await startTokenServer(t)
  server.state.respond = () => json(issued({ issued_token_type: JWT }))
  const { outcome } = await exchangerOf(t, server)
  t.equal(await outcome('a', { requestedTokenType: 'jwt' }), 'issued')
  t.equal(server.exchanges[0]?.form.get('requested_token_type'), JWT)
  t.equal(await outcome('a'), '503')
})

t.test('names the argument that is invalid, without its value', async (t) => {
  const server = await startTokenServer(t)
  const { exchanger } = await exchangerOf(t, server)
  const entra = await exchangerOf(t, server, { protocol: 'entra' })
  const rejected: [unknown, RegExp][] = [
    [{ audiance: 'a' }, /Unknown option "audiance" of exchange\(\). Did you mean "audience"/],
    [null, /exchange\(\) must be a plain object/],
    [{ audience: '' }, /"audience" option must be the downstream API/],
    [{ resource: [] }, /"resource" option must be the downstream API/],
    [{ resource: 'relative' }, /"resource" option must contain absolute URIs/],
    [{ resource: 'https://a.example/#x' }, /"resource" option must contain absolute URIs/],
    [{ scope: 'a  b' }, /"scope" option must consist of scope tokens/],
    [{ scope: 'a"b' }, /"scope" option must consist of scope tokens/],
    [{ actorToken: 'secret-actor token' }, /"actorToken" option must be an access token/],
    [{ actorToken: 7 }, /"actorToken" option must be an access token/],
    [{ requestedTokenType: 'saml2' }, /"requestedTokenType" option must be one of access_token/],
    [{ parameters: [] }, /"parameters" option must be an object of strings/],
    [{ parameters: { a: 1 } }, /"parameters" option must be an object of strings/],
    [{ parameters: { subject_token: 'x' } }, /must not contain "subject_token"/],
    [{ parameters: { client_secret: 'x' } }, /must not contain "client_secret"/],
  ]
  for (const [request, message] of rejected) {
    const error = await exchanger
      .exchange('secret-subject', request as TokenExchangeRequest)
      .catch((error) => error)
    t.match(error, { name: 'TypeError', message })
    t.notMatch(error.message, /secret-/)
  }
  for (const [request, message] of [
    [{}, /"scope" option is required with "protocol" entra/],
    [{ scope: 'a', audience: 'b' }, /"audience" option requires "protocol" rfc8693/],
    [{ scope: 'a', actorToken: 'b' }, /"actorToken" option requires "protocol" rfc8693/],
  ] as const) {
    await t.rejects(entra.exchanger.exchange('a', request), { name: 'TypeError', message })
  }
  t.equal(server.exchanges.length, 0)
})

function never(): never {
  throw new Error('there is no request')
}
