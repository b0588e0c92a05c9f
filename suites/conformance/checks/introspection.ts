/** I1 to I5: asking the issuer (RFC 7662, RFC 9701). */
import { type Check, type Level, rule, Unmet } from '../check.js'
import type { Api } from '../stage/api.js'
import { eventually } from '../stage/eventually.js'
import {
  describe,
  expectAnswer,
  expectRefused,
  expectStatus,
  expectTaken,
  expectThat,
} from '../stage/expect.js'
import type { ScriptedIssuer } from '../stage/scripted-issuer.js'
import { activeAnswer, type SideStage, type Stage, signedAnswer } from '../stage/stage.js'
import { API_CLIENT } from '../targets/target.js'

const NEEDS = ['opaque', 'bearer', 'restart'] as const

type Play = (side: SideStage, issuer: ScriptedIssuer) => Promise<void>

function asking(id: string, section: string, level: Level, title: string, play: Play): Check {
  return rule(id, section, level, title, NEEDS, (stage) => withIssuer(stage, play))
}

async function withIssuer(stage: Stage, play: Play): Promise<void> {
  await using issuer = await stage.issuer()
  await using side = await stage.anew(issuer)
  await play(side, issuer)
}

/** What the issuer says from now on, in the form that the API asks for. */
function tell({ state }: ScriptedIssuer, api: Api, answer: Record<string, unknown>): void {
  state.said = api.has('signed-responses') ? signedAnswer(api, answer) : answer
}

let tokens = 0
const opaque = () => `an-opaque-token-${tokens++}`

export const introspection: readonly Check[] = [
  asking(
    'I1',
    'RFC 7662 §2.1',
    'MUST',
    'The introspection request is a POST of a form with the token, by an authenticated client',
    async ({ api }, { questions }) => {
      const token = opaque()
      expectTaken(await api.present(token), 'an active token')
      const [question] = questions
      if (question === undefined) throw new Unmet('a question to the issuer', 'none')
      const { method, contentType, form, authorization } = question
      expectThat(method === 'POST', 'POST', method)
      expectThat(/^application\/x-www-form-urlencoded\b/.test(contentType), 'a form', contentType)
      expectThat(form.get('token') === token, 'the token as "token"', 'something else')
      const proves =
        authorization !== '' || form.has('client_secret') || form.has('client_assertion')
      expectThat(proves, 'client authentication', 'none')
    },
  ),

  asking(
    'I2',
    'RFC 7662 §2.2',
    'MUST',
    'active is exactly the boolean true',
    async ({ api }, issuer) => {
      for (const active of [false, undefined, null, 'true', 1, [true], {}, 'false']) {
        tell(issuer, api, activeAnswer(api, { active }))
        const answer = await api.present(opaque())
        expectRefused(answer, `active ${JSON.stringify(active)}`)
      }
      tell(issuer, api, activeAnswer(api))
      expectTaken(await api.present(opaque()), 'active true')
    },
  ),

  asking(
    'I2',
    'RFC 7662 §4',
    'MUST',
    'The claims of an active token are checked: exp, nbf, aud, iss',
    async ({ api }, issuer) => {
      const at = api.seconds()
      for (const [what, members] of Object.entries({
        'exp in the past': { iat: at - 7200, exp: at - 3600 },
        'nbf to come': { nbf: at + 600, exp: at + 1200 },
        'another aud': { aud: 'api://other' },
        'another iss': { iss: 'https://other.example' },
      })) {
        tell(issuer, api, activeAnswer(api, members))
        expectRefused(await api.present(opaque()), what)
      }
    },
  ),

  asking(
    'I2',
    'RFC 7662 §4',
    'ours',
    'An answer without aud or exp is refused',
    async ({ api }, issuer) => {
      for (const name of ['aud', 'exp']) {
        tell(issuer, api, activeAnswer(api, { [name]: undefined }))
        expectRefused(await api.present(opaque()), `no ${name}`)
      }
    },
  ),

  asking(
    'I2',
    'RFC 7662 §2.2',
    'SHOULD',
    'A sender-constrained token is rejected without its proof',
    async ({ api }, issuer) => {
      for (const cnf of [{ jkt: api.options.dpopKey.thumbprint }, { 'x5t#S256': 'A'.repeat(43) }]) {
        tell(issuer, api, activeAnswer(api, { cnf }))
        expectRefused(await api.present(opaque()), `cnf ${Object.keys(cnf)}`)
      }
    },
  ),

  rule(
    'I2',
    'RFC 6750 §3.1',
    'MUST',
    'The scope of the response counts like that of a JWT',
    [...NEEDS, 'scope'],
    (stage) =>
      withIssuer(stage, async ({ api }, issuer) => {
        const answer = await api.present(opaque(), { path: '/orders' })
        expectAnswer(answer, { status: 403, error: 'insufficient_scope' }, 'too little scope')
        tell(issuer, api, activeAnswer(api, { scope: 'profile orders:read' }))
        expectTaken(await api.present(opaque(), { path: '/orders' }), 'the scope')
      }),
  ),

  rule(
    'I2',
    'RFC 7662 §2.2',
    'MUST',
    'A JWT that the issuer reports as inactive is rejected immediately',
    [...NEEDS, 'introspects-always'],
    (stage) =>
      withIssuer(stage, async ({ api }, issuer) => {
        expectTaken(await api.present(api.forge()), 'an active JWT')
        tell(issuer, api, { active: false })
        expectRefused(await api.present(api.forge()), 'an inactive JWT')
      }),
  ),

  rule(
    'I2',
    'RFC 7662 §2.2',
    'ours',
    'A JWT that the issuer calls inactive is refused soon',
    [...NEEDS, 'recheck'],
    (stage) =>
      withIssuer(stage, async ({ api }, issuer) => {
        tell(issuer, api, { active: false })
        const token = api.forge()
        expectTaken(await api.present(token), 'a JWT at its first request')
        await eventually(
          async () => (await api.present(token)).status === 401,
          '401 once the issuer has answered',
        )
      }),
  ),

  ...[400, 401, 403].map((status) =>
    asking(
      'I3',
      'RFC 7662 §2.3',
      'ours',
      `The issuer refuses the API's own credentials with ${status}: 503 to the caller`,
      async ({ api }, { state }) => {
        state.instead = (response) =>
          response
            .writeHead(status, { 'content-type': 'application/json' })
            .end('{"error":"invalid_client"}')
        expectStatus(await api.present(opaque()), 503, `invalid_client with ${status}`)
      },
    ),
  ),

  rule(
    'I4',
    'RFC 7662 §4',
    'MUST',
    'A response is not used past its exp',
    [...NEEDS, 'clock'],
    (stage) =>
      withIssuer(stage, async ({ api, advance }, issuer) => {
        const token = opaque()
        tell(issuer, api, activeAnswer(api, { exp: api.seconds() + 20 }))
        expectTaken(await api.present(token), 'an active token')
        advance(120)
        expectRefused(await api.present(token), 'the same after its exp')
      }),
  ),

  asking(
    'I4',
    'RFC 7662 §4',
    'ours',
    'The issuer is asked once about a token, active or not',
    async ({ api }, issuer) => {
      for (const active of [true, false]) {
        tell(issuer, api, activeAnswer(api, { active }))
        const token = opaque()
        await api.present(token)
        await api.present(token)
        const asked = issuer.questions.filter(({ form }) => form.get('token') === token).length
        expectThat(asked === 1, 'one question', `${asked}`)
      }
    },
  ),

  rule(
    'I5',
    'RFC 9701 §5',
    'MUST',
    'A signed response needs its signature, typ, issuer and audience',
    [...NEEDS, 'signed-responses'],
    async (stage) => {
      const { stranger } = stage.properties.keys
      for (const [what, change] of Object.entries({
        'signed by a stranger': { key: stranger, header: { kid: 'suite-rs256' } },
        'typ JWT': { header: { typ: 'JWT' } },
        'no typ': { header: { typ: undefined } },
        'another iss': { claims: { iss: 'https://other.example' } },
        'another aud': { claims: { aud: 'api://other' } },
        'no iat': { claims: { iat: undefined } },
      })) {
        await withIssuer(stage, async ({ api }, { state }) => {
          state.said = signedAnswer(api, activeAnswer(api), change)
          const answer = await api.present(opaque())
          if (answer.status < 400)
            throw new Unmet(`no entry for an answer ${what}`, describe(answer))
        })
      }
      await withIssuer(stage, async ({ api }, { state }) => {
        state.said = activeAnswer(api)
        const answer = await api.present(opaque())
        if (answer.status < 400)
          throw new Unmet('no entry for an unsigned answer', describe(answer))
      })
    },
  ),

  rule(
    'I5',
    'RFC 9701 §5',
    'MUST',
    'Only token_introspection of a signed response is read',
    [...NEEDS, 'signed-responses'],
    (stage) =>
      withIssuer(stage, async ({ api }, { state }) => {
        const claims = { ...activeAnswer(api), aud: API_CLIENT.clientId }
        state.said = signedAnswer(api, { active: false }, { claims })
        expectRefused(await api.present(opaque()), 'active beside token_introspection')
      }),
  ),

  rule(
    'I5',
    'RFC 9701 §8.1',
    'SHOULD',
    'A signed introspection response is rejected as an access token',
    ['jwt'],
    async ({ api }) => {
      // Its audience is this very resource.
      const claims = { aud: api.options.audience }
      const token = signedAnswer(api, activeAnswer(api), { claims })
      expectRefused(await api.present(token), 'a signed answer')
    },
  ),
]
