/** The option `securityEvents`: each mistake names the feed, the option and the fix. */
import t from 'tap'
import { createResourceServer, type ResourceServerOptions } from '../../src/index.js'
import { AUDIENCE, ISSUER } from '../fixtures/issuer.js'
import { given, key } from '../fixtures/protected-api.js'
import { CAEP, STREAM } from '../fixtures/security-events.js'

const feed = { issuer: ISSUER, audience: STREAM }

async function createWith(securityEvents: unknown, options: object = {}) {
  const server = await createResourceServer({
    ...(given() as ResourceServerOptions),
    ...options,
    securityEvents,
  } as ResourceServerOptions)
  await server.close()
}

t.test('names the option that is invalid', async (t) => {
  const invalid: [unknown, RegExp][] = [
    [null, /^securityEvents: must be an object with issuer and audience/],
    [true, /must be an object with issuer and audience/],
    [[], /"securityEvents" option must contain at least one feed/],
    [new Array(1), /^securityEvents\[0\]: .*must be an object/],
    [[feed, 'x'], /^securityEvents\[1\]: .*must be an object/],
    [[feed, feed], /must not contain https:\/\/issuer.example\/oauth2\/default twice/],
    [{ ...feed, audiences: 'x' }, /Unknown option "audiences" of a feed. Did you mean "audience"/],
    [
      { audience: STREAM },
      /^securityEvents: "issuer" option must be the identifier of the transmit/,
    ],
    [{ ...feed, issuer: 'issuer.example' }, /"issuer" option must be the identifier/],
    [{ ...feed, issuer: 'http://issuer.example' }, /"issuer" option must be the identifier/],
    [{ ...feed, issuer: `${ISSUER}?x` }, /"issuer" option must be the identifier/],
    [{ ...feed, issuer: 'https://a@issuer.example' }, /"issuer" option must be the identifier/],
    [{ ...feed, issuer: 'https://Issuer.example' }, /"issuer" option must be the identifier/],
    [{ ...feed, issuer: new URL(ISSUER) }, /"issuer" option must be the identifier/],
    [{ issuer: ISSUER }, /"audience" option must be the audience of the stream/],
    [{ ...feed, audience: [] }, /"audience" option must be/],
    [{ ...feed, audience: [STREAM, ''] }, /"audience" option must be/],
    [{ ...feed, tokenIssuers: [] }, /"tokenIssuers" option must be identifiers of trusted issuers/],
    [{ ...feed, tokenIssuers: 'https://x.example' }, /"tokenIssuers" option must list trusted/],
    [{ ...feed, issuer: 'https://x.example' }, /^securityEvents of https:\/\/x.example: "tokenIs/],
    [{ ...feed, revokes: 'all' }, /"revokes" option must be 'session' or 'user'/],
    [{ ...feed, resolveSubject: {} }, /"resolveSubject" option must be a function/],
    [{ ...feed, effects: 'none' }, /"effects" option must be an object with names of events/],
    [{ ...feed, effects: { [`${CAEP}session-revoked`]: true } }, /"effects" option must be/],
    [{ ...feed, maxAge: 59 }, /"maxAge" option must be a whole number of seconds from 60/],
    [{ ...feed, maxAge: 2_592_001 }, /"maxAge" option must be/],
    [{ ...feed, maxSilence: 999 }, /"maxSilence" option must be a whole number of milliseconds/],
    [{ ...feed, algorithms: ['HS256'] }, /"algorithms" option must be an array/],
    [{ ...feed, jwksUri: 'http://x.example' }, /"jwksUri" option must be an https URL/],
    [{ ...feed, jwks: { keys: [] } }, /"jwks.keys" option must be an array/],
    [{ ...feed, jwksUri: ISSUER, jwks: { keys: [key.publicJwk] } }, /mutually exclusive/],
    [{ ...feed, secret: 'x'.repeat(32) }, /Unknown option "secret" of a feed/],
    [{ ...feed, dangerouslyAllowHttp: 1 }, /"dangerouslyAllowHttp" option must be true or false/],
  ]
  for (const [option, message] of invalid) {
    await t.rejects(createWith(option), { name: 'TypeError', message }, String(message))
  }
})

t.test('accepts what the options document', async (t) => {
  for (const options of [
    feed,
    [feed],
    { ...feed, tokenIssuers: ISSUER, audience: [STREAM, 'x'] },
    { ...feed, revokes: 'user', maxAge: 60, maxSilence: 1_000, effects: {} },
    { ...feed, issuer: 'http://127.0.0.1:1/x', tokenIssuers: [ISSUER] },
    { ...feed, issuer: 'http://x.example', dangerouslyAllowHttp: true, tokenIssuers: [ISSUER] },
    { ...feed, jwksUri: 'https://x.example/keys' },
    { ...feed, jwks: { timeout: 1_000 } },
  ]) {
    await t.resolves(createWith(options), JSON.stringify(options))
  }
})

t.test('a function as issuer needs tokenIssuers', async (t) => {
  const options = { issuer: () => true, audience: AUDIENCE, jwks: {} }
  await t.rejects(createWith(feed, options), /"tokenIssuers" option must list the trusted issuers/)
  const wrong = { ...feed, tokenIssuers: ['https://x.example/../y'] }
  await t.rejects(createWith(wrong, options), /"tokenIssuers" option must list trusted issuers/)
  await t.resolves(createWith({ ...feed, tokenIssuers: [ISSUER] }, options))
})

t.test('a template of tenants needs the identifiers of tenants', async (t) => {
  const template = 'https://login.microsoftonline.com/{tenantid}/v2.0'
  const tenant = template.replace('{tenantid}', '3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4b')
  const audience = '3f2b1c9a-5d4e-4f60-8a7b-9c0d1e2f3a4c'
  const options = { issuer: template, audience, jwks: {} }
  const signals = { issuer: 'https://signals.example', audience: STREAM }
  await t.rejects(
    createWith({ ...signals, tokenIssuers: template }, options),
    /trusted issuers only/,
  )
  await t.resolves(createWith({ ...signals, tokenIssuers: tenant }, options))
})
