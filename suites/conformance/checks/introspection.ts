/** I1 to I5: introspection (RFC 7662, RFC 9701). */
import { type Check, type Level, RuleViolation, rule } from '../check.js'
import type { Api } from '../harness/api.js'
import { eventually } from '../harness/eventually.js'
import {
  describe,
  expectAccepted,
  expectChallenge,
  expectRejected,
  expectStatus,
  expectThat,
} from '../harness/expect.js'
import { activeResponse, type Harness, type SecondApi, signedResponse } from '../harness/harness.js'
import type { ScriptedIssuer } from '../harness/scripted-issuer.js'
import { API_CLIENT } from '../targets/target.js'

const NEEDS = ['opaque', 'bearer', 'restart'] as const

type Steps = (second: SecondApi, issuer: ScriptedIssuer) => Promise<void>

function introspectionRule(
  id: string,
  section: string,
  level: Level,
  title: string,
  steps: Steps,
): Check {
  return rule(id, section, level, title, NEEDS, (harness) => withIssuer(harness, steps))
}

async function withIssuer(harness: Harness, steps: Steps): Promise<void> {
  await using issuer = await harness.startIssuer()
  await using second = await harness.startSecondApi(issuer)
  await steps(second, issuer)
}

/** Sets the issuer's response, signed if the API requests signed responses. */
function setResponse({ state }: ScriptedIssuer, api: Api, response: Record<string, unknown>): void {
  state.response = api.has('signed-responses') ? signedResponse(api, response) : response
}

let tokens = 0
const newOpaqueToken = () => `an-opaque-token-${tokens++}`

export const introspection: readonly Check[] = [
  introspectionRule(
    'I1',
    'RFC 7662 §2.1',
    'MUST',
    'The introspection request is a POST of a form with the token, by an authenticated client',
    async ({ api }, { introspectionRequests }) => {
      const token = newOpaqueToken()
      expectAccepted(await api.present(token), 'an active token')
      const [request] = introspectionRequests
      if (request === undefined) throw new RuleViolation('an introspection request', 'none')
      const { method, contentType, form, authorization } = request
      expectThat(method === 'POST', 'POST', method)
      expectThat(/^application\/x-www-form-urlencoded\b/.test(contentType), 'a form', contentType)
      expectThat(form.get('token') === token, 'the token as "token"', 'something else')
      const proves =
        authorization !== '' || form.has('client_secret') || form.has('client_assertion')
      expectThat(proves, 'client authentication', 'none')
    },
  ),

  introspectionRule(
    'I2',
    'RFC 7662 §2.2',
    'MUST',
    'active is exactly the boolean true',
    async ({ api }, issuer) => {
      for (const active of [false, undefined, null, 'true', 1, [true], {}, 'false']) {
        setResponse(issuer, api, activeResponse(api, { active }))
        const response = await api.present(newOpaqueToken())
        expectRejected(response, `active ${JSON.stringify(active)}`)
      }
      setResponse(issuer, api, activeResponse(api))
      expectAccepted(await api.present(newOpaqueToken()), 'active true')
    },
  ),

  introspectionRule(
    'I2',
    'RFC 7662 §4',
    'MUST',
    'The claims of an active token are checked: exp, nbf, aud, iss',
    async ({ api }, issuer) => {
      const at = api.nowSeconds()
      for (const [what, members] of Object.entries({
        'exp in the past': { iat: at - 7200, exp: at - 3600 },
        'nbf to come': { nbf: at + 600, exp: at + 1200 },
        'another aud': { aud: 'api://other' },
        'another iss': { iss: 'https://other.example' },
      })) {
        setResponse(issuer, api, activeResponse(api, members))
        expectRejected(await api.present(newOpaqueToken()), what)
      }
    },
  ),

  introspectionRule(
    'I2',
    'RFC 7662 §4',
    'ours',
    'A response without aud or exp is rejected',
    async ({ api }, issuer) => {
      for (const name of ['aud', 'exp']) {
        setResponse(issuer, api, activeResponse(api, { [name]: undefined }))
        expectRejected(await api.present(newOpaqueToken()), `no ${name}`)
      }
    },
  ),

  introspectionRule(
    'I2',
    'RFC 7662 §2.2',
    'SHOULD',
    'A sender-constrained token is rejected without its proof',
    async ({ api }, issuer) => {
      for (const cnf of [{ jkt: api.options.dpopKey.thumbprint }, { 'x5t#S256': 'A'.repeat(43) }]) {
        setResponse(issuer, api, activeResponse(api, { cnf }))
        expectRejected(await api.present(newOpaqueToken()), `cnf ${Object.keys(cnf)}`)
      }
    },
  ),

  rule(
    'I2',
    'RFC 6750 §3.1',
    'MUST',
    'The scope of the response counts like that of a JWT',
    [...NEEDS, 'scope'],
    (harness) =>
      withIssuer(harness, async ({ api }, issuer) => {
        const response = await api.present(newOpaqueToken(), { path: '/orders' })
        expectChallenge(
          response,
          { status: 403, error: 'insufficient_scope' },
          'insufficient scope',
        )
        setResponse(issuer, api, activeResponse(api, { scope: 'profile orders:read' }))
        expectAccepted(await api.present(newOpaqueToken(), { path: '/orders' }), 'the scope')
      }),
  ),

  rule(
    'I2',
    'RFC 7662 §2.2',
    'MUST',
    'A JWT that the issuer reports as inactive is rejected immediately',
    [...NEEDS, 'introspects-always'],
    (harness) =>
      withIssuer(harness, async ({ api }, issuer) => {
        expectAccepted(await api.present(api.forge()), 'an active JWT')
        setResponse(issuer, api, { active: false })
        expectRejected(await api.present(api.forge()), 'an inactive JWT')
      }),
  ),

  rule(
    'I2',
    'RFC 7662 §2.2',
    'ours',
    'A JWT that the issuer reports as inactive is rejected after the recheck',
    [...NEEDS, 'recheck'],
    (harness) =>
      withIssuer(harness, async ({ api }, issuer) => {
        setResponse(issuer, api, { active: false })
        const token = api.forge()
        expectAccepted(await api.present(token), 'a JWT at its first request')
        await eventually(
          async () => (await api.present(token)).status === 401,
          '401 after the response of the issuer',
        )
      }),
  ),

  ...[400, 401, 403].map((status) =>
    introspectionRule(
      'I3',
      'RFC 7662 §2.3',
      'ours',
      `If the issuer rejects the API's credentials with ${status}, the caller receives 503`,
      async ({ api }, { state }) => {
        state.override = (response) =>
          response
            .writeHead(status, { 'content-type': 'application/json' })
            .end('{"error":"invalid_client"}')
        expectStatus(await api.present(newOpaqueToken()), 503, `invalid_client with ${status}`)
      },
    ),
  ),

  rule(
    'I4',
    'RFC 7662 §4',
    'MUST',
    'A response is not used past its exp',
    [...NEEDS, 'clock'],
    (harness) =>
      withIssuer(harness, async ({ api, advance }, issuer) => {
        const token = newOpaqueToken()
        setResponse(issuer, api, activeResponse(api, { exp: api.nowSeconds() + 20 }))
        expectAccepted(await api.present(token), 'an active token')
        advance(120)
        expectRejected(await api.present(token), 'the same after its exp')
      }),
  ),

  introspectionRule(
    'I4',
    'RFC 7662 §4',
    'ours',
    'A token is introspected once, active or not',
    async ({ api }, issuer) => {
      for (const active of [true, false]) {
        setResponse(issuer, api, activeResponse(api, { active }))
        const token = newOpaqueToken()
        await api.present(token)
        await api.present(token)
        const count = issuer.introspectionRequests.filter(
          ({ form }) => form.get('token') === token,
        ).length
        expectThat(count === 1, 'one request', `${count}`)
      }
    },
  ),

  rule(
    'I5',
    'RFC 9701 §5',
    'MUST',
    'A signed response needs its signature, typ, issuer and audience',
    [...NEEDS, 'signed-responses'],
    async (harness) => {
      const { unpublished } = harness.credentials.keys
      for (const [what, change] of Object.entries({
        'signed by an attacker': { key: unpublished, header: { kid: 'suite-rs256' } },
        'typ JWT': { header: { typ: 'JWT' } },
        'no typ': { header: { typ: undefined } },
        'another iss': { claims: { iss: 'https://other.example' } },
        'another aud': { claims: { aud: 'api://other' } },
        'no iat': { claims: { iat: undefined } },
      })) {
        await withIssuer(harness, async ({ api }, { state }) => {
          state.response = signedResponse(api, activeResponse(api), change)
          const response = await api.present(newOpaqueToken())
          if (response.status < 400)
            throw new RuleViolation(`no entry for an response ${what}`, describe(response))
        })
      }
      await withIssuer(harness, async ({ api }, { state }) => {
        state.response = activeResponse(api)
        const response = await api.present(newOpaqueToken())
        if (response.status < 400)
          throw new RuleViolation('no entry for an unsigned response', describe(response))
      })
    },
  ),

  rule(
    'I5',
    'RFC 9701 §5',
    'MUST',
    'Only token_introspection of a signed response is read',
    [...NEEDS, 'signed-responses'],
    (harness) =>
      withIssuer(harness, async ({ api }, { state }) => {
        const claims = { ...activeResponse(api), aud: API_CLIENT.clientId }
        state.response = signedResponse(api, { active: false }, { claims })
        expectRejected(await api.present(newOpaqueToken()), 'active beside token_introspection')
      }),
  ),

  rule(
    'I5',
    'RFC 9701 §8.1',
    'SHOULD',
    'A signed introspection response is rejected as an access token',
    ['jwt'],
    async ({ api }) => {
      // The audience of the response is the API itself.
      const claims = { aud: api.options.audience }
      const token = signedResponse(api, activeResponse(api), { claims })
      expectRejected(await api.present(token), 'a signed response')
    },
  ),
]
