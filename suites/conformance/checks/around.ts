/** R1 to R4, R6: metadata, step-up, audiences, browsers (RFC 9728, RFC 9470, RFC 8707, Fetch). */
import { type Check, rule, Unmet } from '../check.js'
import { challengesOf } from '../stage/challenges.js'
import { expectAnswer, expectStatus, expectTaken, expectThat } from '../stage/expect.js'
import type { Stage } from '../stage/stage.js'
import { ORIGIN, SCOPE, STEP_UP } from '../targets/target.js'
import { refuses, takes } from './variants.js'

const STEP_UP_NEEDED = { status: 401, error: 'insufficient_user_authentication' }

/** RFC 9728 §3: inserted between host and path. */
function metadataUrl({ target }: Stage): URL {
  const { resource } = target
  if (resource === undefined) throw new Unmet('a target that says its resource', 'none')
  const url = new URL(resource)
  url.pathname = `/.well-known/oauth-protected-resource${url.pathname.replace(/\/$/, '')}`
  return url
}

export const around: readonly Check[] = [
  rule(
    'R1',
    'RFC 9728 §3',
    'MUST',
    'The metadata is at its well-known URL, needs no token, and names the resource',
    ['metadata'],
    async (stage) => {
      const { pathname } = metadataUrl(stage)
      const answer = await stage.api.send({ path: pathname })
      expectStatus(answer, 200, pathname)
      const type = answer.headers['content-type']?.join() ?? 'none'
      expectThat(/^application\/json\b/.test(type), 'application/json', type)
      const metadata = JSON.parse(answer.body)
      expectThat(metadata.resource === stage.target.resource, 'the resource', 'another one')
      const servers = metadata.authorization_servers
      expectThat([servers].flat().includes(stage.api.options.issuer), 'the issuer', 'another one')
    },
  ),

  rule(
    'R1',
    'RFC 9728 §2',
    'MUST',
    'A member without a value is omitted',
    ['metadata'],
    async (stage) => {
      const { body } = await stage.api.send({ path: metadataUrl(stage).pathname })
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
    async (stage) => {
      const lines = ['x-forwarded-host: other.example', 'x-forwarded-proto: https']
      for (const sending of [{ host: 'other.example' }, { lines }]) {
        const answer = await stage.api.send({ path: metadataUrl(stage).pathname, ...sending })
        expectStatus(answer, 200, 'the metadata')
        expectThat(!answer.body.includes('other.example'), 'the configured resource', 'the Host')
      }
    },
  ),

  rule(
    'R2',
    'RFC 9728 §5.1',
    'ours',
    'Each challenge names the metadata: without a token, with a bad one, without scope',
    ['metadata', 'scope'],
    async (stage) => {
      const { api } = stage
      const { href } = metadataUrl(stage)
      for (const [what, answer] of Object.entries({
        'no token': await api.send(),
        'a bad token': await api.present('a.b.c'),
        'too little scope': await api.present(api.forge(), { path: '/orders' }),
      })) {
        const challenges = challengesOf(answer.headers['www-authenticate'] ?? []) ?? []
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
      const sending = { path: '/transfers' }
      const now = api.seconds()
      for (const [what, claims] of Object.entries({
        'no acr': { auth_time: now },
        'another acr': { acr: 'pwd', auth_time: now },
        'too long ago': { acr: STEP_UP.acr, auth_time: now - 3600 },
        'no auth_time': { acr: STEP_UP.acr },
      })) {
        const answer = await api.present(api.forge({ claims }), sending)
        const { parameters } = expectAnswer(answer, STEP_UP_NEEDED, what)
        const { acr_values: acr, max_age: age } = parameters
        const names = acr === STEP_UP.acr || age === `${STEP_UP.maxAge}`
        expectThat(names, 'acr_values or max_age', 'neither')
      }
      const good = api.forge({ claims: { acr: STEP_UP.acr, auth_time: now } })
      expectTaken(await api.present(good, sending), 'a sign-in that does')
    },
  ),

  rule(
    'R3',
    'RFC 9470 §3',
    'ours',
    'A bad token is told so, and asked for no step-up',
    ['step-up'],
    async ({ api }) => {
      const at = api.seconds()
      const expired = api.forge({ claims: { iat: at - 7200, exp: at - 3600 } })
      const answer = await api.present(expired, { path: '/transfers' })
      expectAnswer(answer, { status: 401, error: 'invalid_token' }, 'an expired token')
    },
  ),

  refuses(
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

  takes('R4', 'RFC 8707 §2', 'MUST', 'aud may also contain resource URIs', (api) => ({
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
        const answer = await api.send({
          method: 'OPTIONS',
          path,
          lines: [
            `origin: ${ORIGIN}`,
            'access-control-request-method: GET',
            'access-control-request-headers: authorization,dpop',
          ],
        })
        expectTaken(answer, `a preflight for ${path}`)
        const allowed = answer.headers['access-control-allow-origin']?.join() ?? 'none'
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
      const answer = await api.send({ path: '/orders', lines: [`origin: ${ORIGIN}`] })
      expectStatus(answer, 401, `no token for ${SCOPE}`)
      const exposed = (answer.headers['access-control-expose-headers']?.join() ?? '').toLowerCase()
      expectThat(
        exposed.includes('www-authenticate'),
        'WWW-Authenticate exposed',
        exposed || 'none',
      )
      expectThat(exposed.includes('dpop-nonce'), 'DPoP-Nonce exposed', exposed || 'none')
    },
  ),
]
