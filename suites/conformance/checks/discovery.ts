/** D1 to D4: where keys come from, and for how long (RFC 8414, OpenID Connect Discovery, RFC 9111). */
import { drip, hang, hangInBody, json, text } from '../../../test/fixtures/key-server.js'
import type { RawResponse } from '../../../test/fixtures/raw-http.js'
import { type Check, rule, Unmet } from '../check.js'
import { eventually } from '../stage/eventually.js'
import { describe, expectStatus, expectTaken, expectThat } from '../stage/expect.js'
import { published, type SuiteKeys } from '../stage/keys.js'
import { startNeverAsked } from '../stage/never-asked.js'
import type { PLACES, ScriptedIssuer } from '../stage/scripted-issuer.js'
import type { SideStage, Stage } from '../stage/stage.js'

const NEEDS = ['jwt', 'restart', 'discovery'] as const

/** Lives through one request at an API whose issuer was prepared. */
async function withIssuer(
  stage: Stage,
  prepare: (issuer: ScriptedIssuer) => void,
  then: (side: SideStage, issuer: ScriptedIssuer) => Promise<void>,
  options: { isImpatient?: boolean } = {},
): Promise<void> {
  await using issuer = await stage.issuer()
  prepare(issuer)
  await using side = await stage.anew(issuer, options)
  await then(side, issuer)
}

function isFoundAt(section: string, level: 'MUST' | 'ours', place: keyof typeof PLACES): Check {
  const title = `Metadata is found at its well-known URL: ${place}`
  return rule('D1', section, level, title, NEEDS, (stage) =>
    withIssuer(
      stage,
      (issuer) => issuer.publishAt(place),
      async ({ api }) => expectTaken(await api.present(api.forge())),
    ),
  )
}

let huge: Record<string, string> | undefined

/** Made once for all modes. Keys as JSON, without the brackets. */
function hugeKeySets({ rs256 }: SuiteKeys): Record<string, string> {
  const jwk = { ...rs256.publicJwk, kid: 'another' }
  huge ??= {
    '10,000 keys': `${JSON.stringify(jwk)},`.repeat(10_000).slice(0, -1),
    '20 MB of keys': JSON.stringify({ ...jwk, x: 'x'.repeat(20_000_000) }),
  }
  return huge
}

/** It got no keys that it may use, so it can't let anybody in. */
function expectNoEntry(answer: RawResponse, what: string): void {
  if (answer.status < 400) throw new Unmet(`no entry with ${what}`, describe(answer))
}

export const discovery: readonly Check[] = [
  isFoundAt('OIDC Discovery §4', 'ours', 'OIDC, appended'),
  isFoundAt('RFC 8414 §5', 'ours', 'OIDC, inserted'),
  isFoundAt('RFC 8414 §3.1', 'ours', 'OAuth, inserted'),

  ...(['another slash', 'another host', 'another path'] as const).map((what) =>
    rule(
      'D2',
      'RFC 8414 §3.3',
      'MUST',
      `Metadata of another issuer is not used: ${what}`,
      NEEDS,
      (stage) =>
        withIssuer(
          stage,
          (issuer) =>
            issuer.publishAt('OIDC, appended', {
              issuer: {
                'another slash': `${issuer.issuer}/`,
                'another host': issuer.issuer.replace('127.0.0.1', 'localhost'),
                'another path': issuer.origin,
              }[what],
            }),
          async ({ api }) => expectNoEntry(await api.present(api.forge()), 'such metadata'),
        ),
    ),
  ),

  rule(
    'D3',
    'RFC 9110 §15.4',
    'ours',
    'A redirect of the key set is not followed',
    ['jwt', 'restart'],
    async (stage) => {
      await using elsewhere = await startNeverAsked(published(stage.properties.keys))
      const redirect = (response: {
        writeHead(status: number, headers: object): { end(): void }
      }) => response.writeHead(302, { location: elsewhere.url }).end()
      await withIssuer(
        stage,
        (issuer) => issuer.respond('/keys', redirect as never),
        async ({ api }) => expectNoEntry(await api.present(api.forge()), 'redirected keys'),
      )
      expectThat(elsewhere.requests === 0, 'no request elsewhere', `${elsewhere.requests}`)
    },
  ),

  ...Object.entries({
    'never responds': hang,
    'stops within the body': hangInBody,
    'sends single bytes': drip,
  }).map(([how, answer]) =>
    rule(
      'D3',
      'RFC 9110 §15.6.4',
      'ours',
      `A key set endpoint that ${how} leaves no request without a response`,
      ['jwt', 'restart'],
      (stage) =>
        withIssuer(
          stage,
          (issuer) => issuer.respond('/keys', answer),
          async ({ api }) => expectNoEntry(await api.present(api.forge()), 'keys that never come'),
          { isImpatient: true },
        ),
    ),
  ),

  rule(
    'D3',
    'RFC 9110 §15.6.4',
    'ours',
    'A key set of 10,000 keys or of 20 MB is rejected',
    ['jwt', 'restart'],
    async (stage) => {
      const good = JSON.stringify(published(stage.properties.keys)).slice(1)
      for (const [what, others] of Object.entries(hugeKeySets(stage.properties.keys))) {
        await withIssuer(
          stage,
          (issuer) => issuer.respond('/keys', text(`{"keys":[${others},${good}}`)),
          async ({ api }) => expectNoEntry(await api.present(api.forge()), what),
        )
      }
    },
  ),

  rule(
    'D4',
    'RFC 9111 §4',
    'ours',
    'A key set is fetched once for many tokens',
    ['jwt', 'restart'],
    (stage) =>
      withIssuer(
        stage,
        () => {},
        async ({ api }, issuer) => {
          const answers = await Promise.all(
            Array.from({ length: 20 }, () => api.present(api.forge())),
          )
          for (const answer of answers) expectTaken(answer)
          expectTaken(await api.present(api.forge()))
          const fetches = issuer.count('/keys')
          expectThat(fetches === 1, 'one request for keys by 21 tokens', `${fetches}`)
        },
      ),
  ),

  rule(
    'D4',
    'RFC 9111 §5.2.2.1',
    'ours',
    'Once its max-age is over it is fetched again, and not before',
    ['jwt', 'restart', 'clock'],
    (stage) =>
      withIssuer(
        stage,
        (issuer) => {
          const keys = published(stage.properties.keys)
          issuer.respond('/keys', json({ keys }, { 'cache-control': 'public, max-age=300' }))
        },
        async ({ api, advance }, issuer) => {
          expectTaken(await api.present(api.forge()))
          advance(200)
          expectTaken(await api.present(api.forge()))
          const fetches = issuer.count('/keys')
          expectThat(fetches === 1, 'no fetch after 200 of 300 s', `${fetches - 1}`)
          advance(150)
          expectTaken(await api.present(api.forge()))
          await eventually(() => issuer.count('/keys') === 2, 'a fetch after 350 of 300 s')
        },
      ),
  ),

  rule(
    'D4',
    'OIDC Core §10.1.1',
    'ours',
    'A token of a new key is accepted at its first request',
    ['jwt', 'restart'],
    (stage) => {
      const { rs256, stranger } = stage.properties.keys
      return withIssuer(
        stage,
        (issuer) => issuer.respond('/keys', json({ keys: [rs256.publicJwk] })),
        async ({ api }, issuer) => {
          expectTaken(await api.present(api.forge({ key: rs256 })))
          issuer.respond('/keys', json({ keys: [rs256.publicJwk, stranger.publicJwk] }))
          const answer = await api.present(api.forge({ key: stranger }))
          expectStatus(answer, 200, 'a token of a key that was published a moment ago')
        },
      )
    },
  ),
]
