/**
 * Answers of an introspection endpoint over HTTP: nearly right, broken, with every status and type.
 * A token is accepted if and only if the RFC says so; a broken answer is a 503 and never a 401 or 500.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createResourceServer } from '../../../src/index.js'
import { NOW } from '../../../test/fixtures/forgery.js'
import { AUDIENCE } from '../../../test/fixtures/issuer.js'
import { bodyOf, type Sent, sent } from '../arbitraries/documents.js'
import { jsonValue } from '../arbitraries/json.js'
import { type Change, changed, changesTo } from '../arbitraries/members.js'
import { isGoodAnswer } from '../judges/introspection-answers.js'
import { isStrictObject } from '../judges/strict-json.js'
import { startDocumentServer } from '../stage/document-server.js'
import { verdictOf } from '../stage/verdict.js'
import type { Target } from '../target.js'

interface AnswerCase {
  readonly answer: readonly Change[] | string
  readonly sent: Sent
}

const times = [-31, -30, -29, 0, 29, 30, 31].map((seconds) => `${NOW + seconds}`)

/** Members of an answer, and what is or isn't quite right there. */
export const ANSWER = {
  active: ['true', 'false', '"true"', '1', 'null', '{}'],
  exp: [...times, '"2000000000"'],
  nbf: times,
  iat: times,
  aud: [`"${AUDIENCE}"`, `["x","${AUDIENCE}"]`, `["${AUDIENCE}",1]`, '[]', '"x"'],
  iss: ['"https://issuer.example"', 'null', '[]'],
  sub: ['"x"', '1', 'null'],
  client_id: ['"x"', '1'],
  azp: ['"x"', '1'],
  jti: ['"x"', '{}'],
  scope: ['"a"', '["a"]', '1', '""'],
  cnf: ['{}', '{"jkt":"x"}', 'null', `{"jkt":"${'A'.repeat(43)}"}`],
  token_type: ['"Bearer"', '"bEaReR"', '"DPoP"', '"refresh_token"', 'null', '1'],
  token_use: ['"access"', '"access_token"', '"id"', 'null'],
  typ: ['"ID"', '"Bearer"', '"Refresh"', '1'],
  at_hash: ['"x"', 'null'],
  events: ['{}'],
}

const cases: fc.Arbitrary<AnswerCase> = fc.record({
  answer: fc.oneof(
    { weight: 8, arbitrary: changesTo(ANSWER) },
    { weight: 1, arbitrary: jsonValue },
  ),
  sent: sent('application/json'),
})

export const introspection: Target<AnswerCase> = {
  name: 'introspection',
  share: 0.002,
  cases,
  mustSee: ['accepted', '401 introspection', '401 claims', '503 introspection-unavailable'],
  async open() {
    const server = await startDocumentServer()
    const good = { active: true, exp: NOW + 300, aud: AUDIENCE, sub: 'user-1', scope: 'a b' }
    return {
      async play({ answer, sent }) {
        const document = typeof answer === 'string' ? answer : changed(good, answer)
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
        const verdict = await verdictOf(own.verify('an-opaque-token'))
        await own.close()
        assert.match(verdict, /^(?:accepted|401 [\w-]+|503 introspection-unavailable)$/)
        const body = bodyOf(document, sent).toString()
        assert.equal(
          verdict === 'accepted',
          isGood(body, sent, server.issuer),
          `${verdict} ${body}`,
        )
        assert.equal(server.count('/moved'), 0, 'followed a redirect')
        return verdict
      },
      close: server.close,
    }
  },
}

function isGood(body: string, { status, headers }: Sent, issuer: string): boolean {
  const [type] = (headers['content-type'] ?? '').toLowerCase().split(/[\s;]/)
  const { 'content-encoding': encoding = 'identity' } = headers
  // Nothing is compressed here: what says that it is can't be read.
  if (status !== 200 || type !== 'application/json' || encoding === 'gzip') return false
  return isStrictObject(body) && isGoodAnswer(JSON.parse(body), issuer)
}
