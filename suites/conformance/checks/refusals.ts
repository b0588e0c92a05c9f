/** B6, B7, B9, B10: what a refusal looks like, and what is in none (RFC 6750 §3, §5.3). */
import type { RawResponse } from '../../../test/fixtures/raw-http.js'
import { type Check, rule } from '../check.js'
import type { Api } from '../stage/api.js'
import { challengesOf } from '../stage/challenges.js'
import { expectAnswer, expectRefused, expectStatus, expectThat } from '../stage/expect.js'

/** In a claim it must not come back; nobody else says it. */
const CANARY = 'canary-7f3a"\u00e9\r\nx-canary: 1'
const MARKS = ['canary-7f3a', 'x-canary']

export const refusals: readonly Check[] = [
  rule(
    'B6',
    'RFC 9110 §11.6.1',
    'MUST',
    'Every 401 has a challenge that a client can read, each attribute once',
    ['jwt'],
    async ({ api }) => {
      for (const [what, answer] of Object.entries({
        'no token': await api.send(),
        ...(await refused(api)),
      })) {
        expectRefused(answer, what)
        // RFC 9110 asks for one in a 401 alone.
        if (answer.status !== 401) continue
        const lines = answer.headers['www-authenticate'] ?? []
        const challenges = challengesOf(lines)
        const found = lines.length === 0 ? 'none' : 'one that cannot be read'
        expectThat((challenges?.length ?? 0) > 0, `a challenge for ${what}`, found)
      }
    },
  ),

  rule(
    'B7',
    'RFC 6750 §3.1',
    'SHOULD',
    'A malformed, expired or forged token is 401 invalid_token',
    ['jwt'],
    async ({ api }) => {
      for (const [what, answer] of Object.entries(await refused(api))) {
        expectAnswer(answer, { status: 401, error: 'invalid_token' }, what)
      }
    },
  ),

  rule(
    'B7',
    'RFC 7662 §2.2',
    'MUST',
    'A token that its issuer revoked is 401 invalid_token',
    ['opaque', 'bearer'],
    async ({ api, authorizationServer }) => {
      authorizationServer.answerIntrospectionWith()
      const token = await authorizationServer.issueToken({}, { format: 'opaque' })
      authorizationServer.revoke(token)
      const answer = await api.present(token)
      expectAnswer(answer, { status: 401, error: 'invalid_token' }, 'a revoked token')
    },
  ),

  rule(
    'B9',
    'RFC 9110 §15.6.4',
    'ours',
    'Without a key set: 503 with Retry-After, never 401',
    ['jwt', 'restart'],
    async (stage) => {
      await using issuer = await stage.issuer()
      await using side = await stage.anew(issuer)
      await issuer.close()
      const answer = await side.api.present(side.api.forge())
      expectStatus(answer, 503, 'an issuer that is down')
      const retryAfter = answer.headers['retry-after']?.join() ?? ''
      expectThat(/^\d+$/.test(retryAfter), 'Retry-After in seconds', retryAfter || 'none')
    },
  ),

  rule(
    'B9',
    'RFC 9110 §15.6.4',
    'ours',
    'No introspection to be had: 503 with Retry-After, and never 401',
    ['opaque', 'bearer', 'restart'],
    async (stage) => {
      await using issuer = await stage.issuer()
      await using side = await stage.anew(issuer)
      issuer.state.instead = (response) => response.writeHead(503).end()
      const answer = await side.api.present('an-opaque-token')
      expectStatus(answer, 503, 'introspection that is down')
      const retryAfter = answer.headers['retry-after']?.join() ?? ''
      expectThat(/^\d+$/.test(retryAfter), 'Retry-After in seconds', retryAfter || 'none')
    },
  ),

  rule(
    'B10',
    'RFC 6750 §5.3',
    'SHOULD',
    'No part of a token is in a header or body of the response',
    ['jwt'],
    async ({ api }) => {
      for (const [what, token] of Object.entries(badTokens(api))) {
        const answer = await api.present(token)
        expectRefused(answer, what)
        const parts = token.split('.').filter((part) => part.length > 8)
        const isThere = parts.some((part) => textOf(answer).includes(part))
        expectThat(!isThere, `an answer without the token, for ${what}`, 'a part of it')
      }
    },
  ),

  rule(
    'B10',
    'RFC 6750 §5.3',
    'ours',
    "No part of a token's claims or header is in the response",
    ['jwt'],
    async ({ api }) => {
      const { stranger } = api.options.keys
      for (const [what, forgery] of Object.entries({
        iss: { claims: { iss: CANARY } },
        aud: { claims: { aud: CANARY } },
        exp: { claims: { exp: CANARY } },
        sub: { claims: { sub: [CANARY] } },
        kid: { key: stranger, header: { kid: CANARY } },
        alg: { header: { alg: CANARY } },
        typ: { header: { typ: CANARY } },
        crit: { header: { crit: [CANARY], [CANARY]: 1 } },
      })) {
        const answer = await api.present(api.forge(forgery))
        const text = textOf(answer)
        const isThere = MARKS.some((mark) => text.includes(mark))
        expectThat(!isThere, `an answer without the value of ${what}`, 'the value')
        // Whether the others are refused is the matter of other rows.
        if (['iss', 'aud', 'exp'].includes(what)) expectRefused(answer, `such a ${what}`)
        expectThat(answer.status < 500, `no crash by such a ${what}`, `${answer.status}`)
      }
    },
  ),
]

function badTokens(api: Api): Record<string, string> {
  const token = api.forge()
  const [header, , signature] = token.split('.')
  const other = api.forge({ claims: { sub: 'admin' } }).split('.')[1]
  return {
    'no JWT': 'not-a-token.at.all',
    'an expired token': api.forge({
      claims: { iat: api.seconds() - 7200, exp: api.seconds() - 3600 },
    }),
    'changed claims': `${header}.${other}.${signature}`,
    'another audience': api.forge({ claims: { aud: 'api://other' } }),
    'another issuer': api.forge({ claims: { iss: 'https://other.example' } }),
  }
}

async function refused(api: Api): Promise<Record<string, RawResponse>> {
  const answers: Record<string, RawResponse> = {}
  for (const [what, token] of Object.entries(badTokens(api)))
    answers[what] = await api.present(token)
  return answers
}

function textOf({ headers, body }: RawResponse): string {
  return `${JSON.stringify(headers)}\n${body}`
}
