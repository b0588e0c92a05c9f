/** R1 to R4, R6: resource metadata, step-up, audiences, CORS (RFC 9728, RFC 9470, RFC 8707, Fetch). */
import { type Check, RuleViolation, rule } from '../check.js'
import { challengesOf } from '../harness/challenges.js'
import { expectAccepted, expectChallenge, expectStatus, expectThat } from '../harness/expect.js'
import type { Harness } from '../harness/harness.js'
import { ORIGIN, SCOPE, STEP_UP } from '../targets/target.js'
import { accepts, rejects } from './variants.js'

const STEP_UP_REQUIRED = { status: 401, error: 'insufficient_user_authentication' }

/** Returns the well-known URL, which RFC 9728 §3 inserts between host and path. */
function metadataUrl({ target }: Harness): URL {
  const { resource } = target
  if (resource === undefined) throw new RuleViolation('a target with a resource', 'none')
  const url = new URL(resource)
  url.pathname = `/.well-known/oauth-protected-resource${url.pathname.replace(/\/$/, '')}`
  return url
}

export const metadataStepUpAndCors: readonly Check[] = [
  rule(
    'R1',
    'RFC 9728 §3',
    'MUST',
    'The metadata is at its well-known URL, needs no token, and names the resource',
    ['metadata'],
    async (harness) => {
      const { pathname } = metadataUrl(harness)
      const response = await harness.api.send({ path: pathname })
      expectStatus(response, 200, pathname)
      const type = response.headers['content-type']?.join() ?? 'none'
      expectThat(/^application\/json\b/.test(type), 'application/json', type)
      const metadata = JSON.parse(response.body)
      expectThat(metadata.resource === harness.target.resource, 'the resource', 'another one')
      const servers = metadata.authorization_servers
      expectThat([servers].flat().includes(harness.api.options.issuer), 'the issuer', 'another one')
    },
  ),

  rule(
    'R1',
    'RFC 9728 §2',
    'MUST',
    'A member without a value is omitted',
    ['metadata'],
    async (harness) => {
      const { body } = await harness.api.send({ path: metadataUrl(harness).pathname })
      const empty = Object.entries(JSON.parse(body)).filter(
        ([, value]) =>
          value === null || value === '' || (Array.isArray(value) && value.length === 0),
      )
      expectThat(empty.length === 0, 'no empty member', empty.map(([name]) => name).join())
    },
  ),

  rule(
    'R1',
    'RFC 9728 §3.3',
    'MUST',
    'The resource is not taken from the Host that the caller sent',
    ['metadata'],
    async (harness) => {
      const lines = ['x-forwarded-host: other.example', 'x-forwarded-proto: https']
      for (const request of [{ host: 'other.example' }, { lines }]) {
        const response = await harness.api.send({ path: metadataUrl(harness).pathname, ...request })
        expectStatus(response, 200, 'the metadata')
        expectThat(!response.body.includes('other.example'), 'the configured resource', 'the Host')
      }
    },
  ),

  rule(
    'R2',
    'RFC 9728 §5.1',
    'ours',
    'Each challenge names the metadata: without a token, with an invalid one, without scope',
    ['metadata', 'scope'],
    async (harness) => {
      const { api } = harness
      const { href } = metadataUrl(harness)
      for (const [what, response] of Object.entries({
        'no token': await api.send(),
        'an invalid token': await api.present('a.b.c'),
        'insufficient scope': await api.present(api.forge(), { path: '/orders' }),
      })) {
        const challenges = challengesOf(response.headers['www-authenticate'] ?? []) ?? []
        const named = challenges.map(({ parameters }) => parameters.resource_metadata ?? 'none')
        const isNamed = named.length > 0 && named.every((url) => url === href)
        expectThat(isNamed, `resource_metadata for ${what}`, named.join() || 'no challenge')
      }
    },
  ),

  rule(
    'R3',
    'RFC 9470 §3',
    'MUST',
    'An insufficient authentication is 401 with the requirements',
    ['step-up'],
    async ({ api }) => {
      const request = { path: '/transfers' }
      const now = api.nowSeconds()
      for (const [what, claims] of Object.entries({
        'no acr': { auth_time: now },
        'another acr': { acr: 'pwd', auth_time: now },
        'too long ago': { acr: STEP_UP.acr, auth_time: now - 3600 },
        'no auth_time': { acr: STEP_UP.acr },
      })) {
        const response = await api.present(api.forge({ claims }), request)
        const { parameters } = expectChallenge(response, STEP_UP_REQUIRED, what)
        const { acr_values: acr, max_age: age } = parameters
        const names = acr === STEP_UP.acr || age === `${STEP_UP.maxAge}`
        expectThat(names, 'acr_values or max_age', 'neither')
      }
      const sufficient = api.forge({ claims: { acr: STEP_UP.acr, auth_time: now } })
      expectAccepted(await api.present(sufficient, request), 'a sufficient authentication')
    },
  ),

  rule(
    'R3',
    'RFC 9470 §3',
    'ours',
    'An invalid token is 401 invalid_token, without a step-up challenge',
    ['step-up'],
    async ({ api }) => {
      const at = api.nowSeconds()
      const expired = api.forge({ claims: { iat: at - 7200, exp: at - 3600 } })
      const response = await api.present(expired, { path: '/transfers' })
      expectChallenge(response, { status: 401, error: 'invalid_token' }, 'an expired token')
    },
  ),

  rejects(
    'R4',
    'RFC 8707 §2',
    'MUST',
    'An audience is compared exactly, including case and slash',
    (api) => {
      const { audience } = api.options
      return Object.fromEntries(
        [
          `${audience}/`,
          audience.toUpperCase(),
          audience.slice(0, -1),
          `${audience}.evil`,
          ` ${audience}`,
        ].map((aud) => [`aud ${JSON.stringify(aud)}`, { claims: { aud } }]),
      )
    },
  ),

  accepts('R4', 'RFC 8707 §2', 'MUST', 'aud may also contain resource URIs', (api) => ({
    'a list with a resource URI': {
      claims: { aud: ['https://api.example/', api.options.audience] },
    },
  })),

  rule(
    'R6',
    'Fetch §3.2.2',
    'MUST',
    'A CORS preflight passes without a token',
    ['cors'],
    async ({ api }) => {
      for (const path of ['/', '/orders']) {
        const response = await api.send({
          method: 'OPTIONS',
          path,
          lines: [
            `origin: ${ORIGIN}`,
            'access-control-request-method: GET',
            'access-control-request-headers: authorization,dpop',
          ],
        })
        expectAccepted(response, `a preflight for ${path}`)
        const allowed = response.headers['access-control-allow-origin']?.join() ?? 'none'
        expectThat(allowed === ORIGIN || allowed === '*', 'the origin allowed', allowed)
      }
    },
  ),

  rule(
    'R6',
    'Fetch §3.2.5',
    'ours',
    'A script can read the challenge of a 401',
    ['cors'],
    async ({ api }) => {
      const response = await api.send({ path: '/orders', lines: [`origin: ${ORIGIN}`] })
      expectStatus(response, 401, `no token for ${SCOPE}`)
      const exposed = (
        response.headers['access-control-expose-headers']?.join() ?? ''
      ).toLowerCase()
      expectThat(
        exposed.includes('www-authenticate'),
        'WWW-Authenticate exposed',
        exposed || 'none',
      )
      expectThat(exposed.includes('dpop-nonce'), 'DPoP-Nonce exposed', exposed || 'none')
    },
  ),
]
