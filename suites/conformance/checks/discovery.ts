/** D1 to D4: discovery and caching of keys (RFC 8414, OpenID Connect Discovery, RFC 9111). */
import { drip, hang, hangInBody, json, text } from '../../../test/fixtures/key-server.js'
import type { RawResponse } from '../../../test/fixtures/raw-http.js'
import { type Check, RuleViolation, rule } from '../check.js'
import { eventually } from '../harness/eventually.js'
import { describe, expectAccepted, expectStatus, expectThat } from '../harness/expect.js'
import { startForbiddenServer } from '../harness/forbidden-server.js'
import type { Harness, SecondApi } from '../harness/harness.js'
import { published, type SuiteKeys } from '../harness/keys.js'
import type { METADATA_PATHS, ScriptedIssuer } from '../harness/scripted-issuer.js'

const NEEDS = ['jwt', 'restart', 'discovery'] as const

/** Runs steps at an API that trusts a scripted issuer. */
async function withIssuer(
  harness: Harness,
  prepare: (issuer: ScriptedIssuer) => void,
  then: (second: SecondApi, issuer: ScriptedIssuer) => Promise<void>,
  options: { isImpatient?: boolean } = {},
): Promise<void> {
  await using issuer = await harness.startIssuer()
  prepare(issuer)
  await using second = await harness.startSecondApi(issuer, options)
  await then(second, issuer)
}

function isFoundAt(
  section: string,
  level: 'MUST' | 'ours',
  place: keyof typeof METADATA_PATHS,
): Check {
  const title = `Metadata is found at its well-known URL: ${place}`
  return rule('D1', section, level, title, NEEDS, (harness) =>
    withIssuer(
      harness,
      (issuer) => issuer.publishAt(place),
      async ({ api }) => expectAccepted(await api.present(api.forge())),
    ),
  )
}

let huge: Record<string, string> | undefined

/** Returns keys as JSON, without brackets; created once for all modes. */
function hugeKeySets({ rs256 }: SuiteKeys): Record<string, string> {
  const jwk = { ...rs256.publicJwk, kid: 'another' }
  huge ??= {
    '10,000 keys': `${JSON.stringify(jwk)},`.repeat(10_000).slice(0, -1),
    '20 MB of keys': JSON.stringify({ ...jwk, x: 'x'.repeat(20_000_000) }),
  }
  return huge
}

/** Expects any error: the API has no usable keys, so it must not accept a token. */
function expectNoAccess(response: RawResponse, what: string): void {
  if (response.status < 400) throw new RuleViolation(`no access with ${what}`, describe(response))
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
      (harness) =>
        withIssuer(
          harness,
          (issuer) =>
            issuer.publishAt('OIDC, appended', {
              issuer: {
                'another slash': `${issuer.issuer}/`,
                'another host': issuer.issuer.replace('127.0.0.1', 'localhost'),
                'another path': issuer.origin,
              }[what],
            }),
          async ({ api }) => expectNoAccess(await api.present(api.forge()), 'such metadata'),
        ),
    ),
  ),

  rule(
    'D3',
    'RFC 9110 §15.4',
    'ours',
    'A redirect of the key set is not followed',
    ['jwt', 'restart'],
    async (harness) => {
      await using elsewhere = await startForbiddenServer(published(harness.credentials.keys))
      const redirect = (response: {
        writeHead(status: number, headers: object): { end(): void }
      }) => response.writeHead(302, { location: elsewhere.url }).end()
      await withIssuer(
        harness,
        (issuer) => issuer.respond('/keys', redirect as never),
        async ({ api }) => expectNoAccess(await api.present(api.forge()), 'redirected keys'),
      )
      expectThat(elsewhere.requests === 0, 'no request elsewhere', `${elsewhere.requests}`)
    },
  ),

  ...Object.entries({
    'never responds': hang,
    'stops within the body': hangInBody,
    'sends single bytes': drip,
  }).map(([how, response]) =>
    rule(
      'D3',
      'RFC 9110 §15.6.4',
      'ours',
      `A key set endpoint that ${how} leaves no request without a response`,
      ['jwt', 'restart'],
      (harness) =>
        withIssuer(
          harness,
          (issuer) => issuer.respond('/keys', response),
          async ({ api }) =>
            expectNoAccess(await api.present(api.forge()), 'a key set that never arrives'),
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
    async (harness) => {
      const validKeys = JSON.stringify(published(harness.credentials.keys)).slice(1)
      for (const [what, others] of Object.entries(hugeKeySets(harness.credentials.keys))) {
        await withIssuer(
          harness,
          (issuer) => issuer.respond('/keys', text(`{"keys":[${others},${validKeys}}`)),
          async ({ api }) => expectNoAccess(await api.present(api.forge()), what),
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
    (harness) =>
      withIssuer(
        harness,
        () => {},
        async ({ api }, issuer) => {
          const responses = await Promise.all(
            Array.from({ length: 20 }, () => api.present(api.forge())),
          )
          for (const response of responses) expectAccepted(response)
          expectAccepted(await api.present(api.forge()))
          const fetches = issuer.count('/keys')
          expectThat(fetches === 1, 'one request for keys by 21 tokens', `${fetches}`)
        },
      ),
  ),

  rule(
    'D4',
    'RFC 9111 §5.2.2.1',
    'ours',
    'A key set is fetched again after its max-age, and not before',
    ['jwt', 'restart', 'clock'],
    (harness) =>
      withIssuer(
        harness,
        (issuer) => {
          const keys = published(harness.credentials.keys)
          issuer.respond('/keys', json({ keys }, { 'cache-control': 'public, max-age=300' }))
        },
        async ({ api, advance }, issuer) => {
          expectAccepted(await api.present(api.forge()))
          advance(200)
          expectAccepted(await api.present(api.forge()))
          const fetches = issuer.count('/keys')
          expectThat(fetches === 1, 'no fetch after 200 of 300 s', `${fetches - 1}`)
          advance(150)
          expectAccepted(await api.present(api.forge()))
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
    (harness) => {
      const { rs256, unpublished } = harness.credentials.keys
      return withIssuer(
        harness,
        (issuer) => issuer.respond('/keys', json({ keys: [rs256.publicJwk] })),
        async ({ api }, issuer) => {
          expectAccepted(await api.present(api.forge({ key: rs256 })))
          issuer.respond('/keys', json({ keys: [rs256.publicJwk, unpublished.publicJwk] }))
          const response = await api.present(api.forge({ key: unpublished }))
          expectStatus(response, 200, 'a token of a key that was just published')
        },
      )
    },
  ),
]
