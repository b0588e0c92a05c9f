/**
 * Each profile, in a Fastify app with the registration that docs/providers.md shows: accepts and
 * reads an access token in the provider's shape, and rejects the provider's other tokens.
 */
import t from 'tap'
import { PROFILE_NAMES } from '../../src/issuer/providers/providers.js'
import { checkProvider } from '../fixtures/providers/check-provider.js'
import { ALL_FIXTURES, FIXTURES } from '../fixtures/providers/providers.js'

t.test('every profile has a fixture with its source and a reason for each gap', async (t) => {
  t.same(Object.keys(FIXTURES).sort(), [...PROFILE_NAMES].sort())
  for (const [name, fixture] of Object.entries(ALL_FIXTURES)) {
    t.equal(fixture.profile, name.split(',')[0])
    t.match(fixture.source, /^https:\/\/\S+ \(read \d{4}-\d\d-\d\d\)$/, name)
    const hasIdToken = Object.hasOwn(fixture.otherTokens, 'ID token')
    t.not(hasIdToken, fixture.withoutIdToken !== undefined, `${name}: ID token`)
    const hasWrongAudience = fixture.wrongAudience !== undefined
    t.not(hasWrongAudience, fixture.withoutAudience !== undefined, `${name}: audience`)
  }
})

for (const [name, fixture] of Object.entries(ALL_FIXTURES)) {
  t.test(`J8: ${name}: accepts its access token, reads it, and rejects other tokens`, async (t) => {
    for (const [column, { passed, text }] of Object.entries(await checkProvider(fixture))) {
      t.ok(passed, `${column}: ${text}`)
      t.not(text, '', `${column}: has a text`)
    }
  })
}

t.test('a fixture that expects another result fails its cell', async (t) => {
  const fixture = FIXTURES.okta
  const expected = { ...fixture.expected, scope: ['admin'], sessionId: 'x' }
  const failed = Object.entries(
    await checkProvider({
      ...fixture,
      expected,
      otherTokens: { 'ID token': fixture.accessToken },
      wrongAudience: {},
    }),
  ).flatMap(([column, { passed }]) => (passed ? [] : [column]))
  t.same(failed, ['ID token', 'wrong audience', 'scope', 'session'])
})
