/** B6, B7, B9, B10: the form of a rejection, and that it shows no token (RFC 6750 §3, §5.3). */
import type { RawResponse } from '../../../test/fixtures/raw-http.js'
import { type Check, rule } from '../check.js'
import type { Api } from '../harness/api.js'
import { challengesOf } from '../harness/challenges.js'
import { expectChallenge, expectRejected, expectStatus, expectThat } from '../harness/expect.js'

/** The value of a claim, which must not appear in a response; no response contains it otherwise. */
const CANARY = 'canary-7f3a"\u00e9\r\nx-canary: 1'
const MARKS = ['canary-7f3a', 'x-canary']

export const rejections: readonly Check[] = [
  rule(
    'B6',
    'RFC 9110 §11.6.1',
    'MUST',
    'Every 401 has a challenge that a client can read, each attribute once',
    ['jwt'],
    async ({ api }) => {
      for (const [what, response] of Object.entries({
        'no token': await api.send(),
        ...(await presentInvalidTokens(api)),
      })) {
        expectRejected(response, what)
        // RFC 9110 requires a challenge only in a 401.
        if (response.status !== 401) continue
        const lines = response.headers['www-authenticate'] ?? []
        const challenges = challengesOf(lines)
        const found = lines.length === 0 ? 'none' : 'a malformed challenge'
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
      for (const [what, response] of Object.entries(await presentInvalidTokens(api))) {
        expectChallenge(response, { status: 401, error: 'invalid_token' }, what)
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
      const response = await api.present(token)
      expectChallenge(response, { status: 401, error: 'invalid_token' }, 'a revoked token')
    },
  ),

  rule(
    'B9',
    'RFC 9110 §15.6.4',
    'ours',
    'Without a key set: 503 with Retry-After, never 401',
    ['jwt', 'restart'],
    async (harness) => {
      await using issuer = await harness.startIssuer()
      await using second = await harness.startSecondApi(issuer)
      await issuer.close()
      const response = await second.api.present(second.api.forge())
      expectStatus(response, 503, 'an issuer that is down')
      const retryAfter = response.headers['retry-after']?.join() ?? ''
      expectThat(/^\d+$/.test(retryAfter), 'Retry-After in seconds', retryAfter || 'none')
    },
  ),

  rule(
    'B9',
    'RFC 9110 §15.6.4',
    'ours',
    'Without introspection: 503 with Retry-After, never 401',
    ['opaque', 'bearer', 'restart'],
    async (harness) => {
      await using issuer = await harness.startIssuer()
      await using second = await harness.startSecondApi(issuer)
      issuer.state.override = (response) => response.writeHead(503).end()
      const response = await second.api.present('an-opaque-token')
      expectStatus(response, 503, 'an introspection endpoint that is down')
      const retryAfter = response.headers['retry-after']?.join() ?? ''
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
      for (const [what, token] of Object.entries(invalidTokens(api))) {
        const response = await api.present(token)
        expectRejected(response, what)
        const parts = token.split('.').filter((part) => part.length > 8)
        const isThere = parts.some((part) => textOf(response).includes(part))
        expectThat(!isThere, `a response without the token, for ${what}`, 'a part of it')
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
      const { unpublished } = api.options.keys
      for (const [what, forgery] of Object.entries({
        iss: { claims: { iss: CANARY } },
        aud: { claims: { aud: CANARY } },
        exp: { claims: { exp: CANARY } },
        sub: { claims: { sub: [CANARY] } },
        kid: { key: unpublished, header: { kid: CANARY } },
        alg: { header: { alg: CANARY } },
        typ: { header: { typ: CANARY } },
        crit: { header: { crit: [CANARY], [CANARY]: 1 } },
      })) {
        const response = await api.present(api.forge(forgery))
        const text = textOf(response)
        const isThere = MARKS.some((mark) => text.includes(mark))
        expectThat(!isThere, `a response without the value of ${what}`, 'the value')
        // Other rows test whether the other members are rejected.
        if (['iss', 'aud', 'exp'].includes(what)) expectRejected(response, `such a ${what}`)
        expectThat(response.status < 500, `no crash by such a ${what}`, `${response.status}`)
      }
    },
  ),
]

function invalidTokens(api: Api): Record<string, string> {
  const token = api.forge()
  const [header, , signature] = token.split('.')
  const other = api.forge({ claims: { sub: 'admin' } }).split('.')[1]
  return {
    'not a JWT': 'not-a-token.at.all',
    'an expired token': api.forge({
      claims: { iat: api.nowSeconds() - 7200, exp: api.nowSeconds() - 3600 },
    }),
    'changed claims': `${header}.${other}.${signature}`,
    'another audience': api.forge({ claims: { aud: 'api://other' } }),
    'another issuer': api.forge({ claims: { iss: 'https://other.example' } }),
  }
}

async function presentInvalidTokens(api: Api): Promise<Record<string, RawResponse>> {
  const responses: Record<string, RawResponse> = {}
  for (const [what, token] of Object.entries(invalidTokens(api)))
    responses[what] = await api.present(token)
  return responses
}

function textOf({ headers, body }: RawResponse): string {
  return `${JSON.stringify(headers)}\n${body}`
}
