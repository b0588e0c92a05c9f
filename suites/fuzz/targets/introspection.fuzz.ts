/**
 * Sends responses of an introspection endpoint over HTTP: nearly valid, malformed, with every
 * status and type. The API must accept a token if and only if RFC 7662 permits that; a malformed
 * response must result in a 503, never in a 401 or 500.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createResourceServer } from '../../../src/index.js'
import { NOW } from '../../../test/fixtures/forgery.js'
import { AUDIENCE } from '../../../test/fixtures/issuer.js'
import { bodyOf, type SentResponse, sentResponse } from '../arbitraries/documents.js'
import { jsonValue } from '../arbitraries/json.js'
import { type Change, changed, changesTo } from '../arbitraries/members.js'
import { startDocumentServer } from '../harness/document-server.js'
import { outcomeOf } from '../harness/outcome.js'
import { isActiveResponse } from '../oracles/introspection-responses.js'
import { isStrictObject } from '../oracles/strict-json.js'
import type { Target } from '../target.js'

interface ResponseCase {
  readonly response: readonly Change[] | string
  readonly sent: SentResponse
}

const times = [-31, -30, -29, 0, 29, 30, 31].map((seconds) => `${NOW + seconds}`)

/** Members of a response, with valid and nearly valid values. */
export const RESPONSE_MEMBERS = {
  active: ['true', 'false', '"true"', '1', 'null', '{}'],
  exp: [...times, '"2000000000"'],
  nbf: times,
  iat: times,
  aud: [`"${AUDIENCE}"`, `["x","${AUDIENCE}"]`, `["${AUDIENCE}",1]`, '[]', '"x"'],
  iss: ['"https://issuer.example"', 'null', '[]'],
  sub: ['"x"', '1', 'null'],
  client_id: ['"x"', '1'],
  azp: ['"x"', '1'],
  jti: ['"x"', '{}', 'null'],
  sid: ['"x"', '1', 'null'],
  scope: ['"a"', '["a"]', '1', '""'],
  cnf: ['{}', '{"jkt":"x"}', 'null', `{"jkt":"${'A'.repeat(43)}"}`],
  token_type: ['"Bearer"', '"bEaReR"', '"DPoP"', '"refresh_token"', 'null', '1'],
  token_use: ['"access"', '"access_token"', '"id"', 'null'],
  typ: ['"ID"', '"Bearer"', '"Refresh"', '1'],
  at_hash: ['"x"', 'null'],
  events: ['{}'],
}

const cases: fc.Arbitrary<ResponseCase> = fc.record({
  response: fc.oneof(
    { weight: 8, arbitrary: changesTo(RESPONSE_MEMBERS) },
    { weight: 1, arbitrary: jsonValue },
  ),
  sent: sentResponse('application/json'),
})

export const introspection: Target<ResponseCase> = {
  name: 'introspection',
  share: 0.002,
  cases,
  requiredOutcomes: [
    'accepted',
    '401 introspection',
    '401 claims',
    '503 introspection-unavailable',
  ],
  async open() {
    const server = await startDocumentServer()
    const valid = { active: true, exp: NOW + 300, aud: AUDIENCE, sub: 'user-1', scope: 'a b' }
    return {
      async run({ response, sent }) {
        const document = typeof response === 'string' ? response : changed(valid, response)
        server.serve('/introspect', document, sent)
        const own = await createResourceServer({
          issuer: server.issuer,
          audience: AUDIENCE,
          now: () => NOW * 1000,
          introspection: {
            clientId: 'api',
            clientSecret: 'secret',
            endpoint: `${server.origin}/introspect`,
          },
        })
        const outcome = await outcomeOf(own.verify('an-opaque-token'))
        await own.close()
        assert.match(outcome, /^(?:accepted|401 [\w-]+|503 introspection-unavailable)$/)
        const body = bodyOf(document, sent).toString()
        assert.equal(
          outcome === 'accepted',
          isValid(body, sent, server.issuer),
          `${outcome} ${body}`,
        )
        assert.equal(server.count('/moved'), 0, 'followed a redirect')
        return outcome
      },
      close: server.close,
    }
  },
}

function isValid(body: string, { status, headers }: SentResponse, issuer: string): boolean {
  const [type] = (headers['content-type'] ?? '').toLowerCase().split(/[\s;]/)
  const { 'content-encoding': encoding = 'identity' } = headers
  // The server never compresses, so a body that is declared as gzip cannot be decoded.
  if (status !== 200 || type !== 'application/json' || encoding === 'gzip') return false
  return isStrictObject(body) && isActiveResponse(JSON.parse(body), issuer)
}
