/** Log lines for the operator, and whether they are correct. */
import t, { type Test } from 'tap'
import { createResourceServer, memoryStore } from '../../src/index.js'
import { createAuthorizationServer, dpopProof, generateDPoPKey } from '../../src/testing/index.js'
import { AUDIENCE, ISSUER, makeKey, sign } from '../fixtures/issuer.js'
import { startKeyServer } from '../fixtures/key-server.js'
import { protectedApi, tokenOf } from '../fixtures/protected-api.js'

type Line = Record<string, unknown> & { readonly msg: string }

/** Collects the log of Fastify. */
function log(): { lines: Line[]; logger: object } {
  const lines: Line[] = []
  const write = (line: string) => void lines.push(JSON.parse(line))
  return { lines, logger: { level: 'warn', stream: { write } } }
}

t.test('logs for how long cached keys remain usable after a failed fetch', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256', keySetMaxAge: 300 })
  t.teardown(() => issuer.close())
  const clock = { now: Date.now() }
  const lines: [details: object, message: string][] = []
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: 'api://default',
    now: () => clock.now,
    jwks: { staleIfError: 60_000 },
    logger: { warn: (...line) => void lines.push(line) },
  })
  t.teardown(() => server.close())
  const token = await issuer.issueToken()
  const failToRefresh = async () => {
    await t.rejects(server.refreshKeys(), { code: 'temporarily_unavailable' })
    return lines.pop()
  }

  issuer.fail({ status: 500 })
  t.match(await failToRefresh(), [
    { issuer: issuer.issuer, retryInMilliseconds: Number, keysUsableForMilliseconds: 0 },
    /^JWKS fetch failed and no keys are cached; tokens of this issuer get 503$/,
  ])
  await t.rejects(server.verify(token), { code: 'temporarily_unavailable' })

  issuer.recover()
  clock.now += 1_000
  await server.refreshKeys()
  issuer.fail({ status: 500 })
  clock.now += 100_000
  t.match(await failToRefresh(), [
    { keysUsableForMilliseconds: 260_000 },
    /^JWKS fetch failed; serving cached keys$/,
  ])
  await t.resolves(server.verify(token))

  clock.now += 260_000
  t.match(await failToRefresh(), [{ keysUsableForMilliseconds: 0 }, /no keys are cached/])
})

t.test('names unusable keys with their reason, in the log and in the rejection', async (t) => {
  const key = await makeKey('ES256', 'good')
  const unusable = await makeKey('ES256', 'bad\n')
  const jwks = { keys: [key.publicJwk, { ...unusable.publicJwk, use: 'enc' }] }
  const remote = await startKeyServer(jwks.keys)
  t.teardown(() => remote.close())
  for (const options of [{ issuer: ISSUER, jwks }, { issuer: remote.issuer }]) {
    const lines: [details: object, message: string][] = []
    const logger = { warn: (...line: [object, string]) => void lines.push(line) }
    const server = await createResourceServer({ audience: AUDIENCE, logger, ...options })
    t.teardown(() => server.close())
    const verifying = server.verify(await sign(unusable, { iss: options.issuer }))
    const { reason } = await verifying.catch((error) => error)
    t.match(reason.found, /that cannot be used: it has "use": "enc" and not "sig"/)
    t.strictSame(lines, [
      [
        {
          issuer: options.issuer,
          keys: ['the key "bad\\n" has "use": "enc" and not "sig"'],
        },
        'JWKS has unusable keys; tokens signed with them are rejected',
      ],
    ])
  }
})

for (const { whenUnavailable, statusCode, msg } of [
  {
    whenUnavailable: 'reject',
    statusCode: 503,
    msg: 'DPoP replay store unavailable; request rejected with 503',
  },
  {
    whenUnavailable: 'dangerouslyAccept',
    statusCode: 200,
    msg: 'DPoP replay store unavailable; proof accepted without a replay check',
  },
] as const) {
  t.test(`P5: logs an unavailable replay store, with ${whenUnavailable}`, async (t: Test) => {
    const { lines, logger } = log()
    const url = 'https://api.example/'
    const add = () => Promise.reject(new Error('the store is down'))
    const app = await protectedApi(
      t,
      {
        dpop: { baseUrl: url, replay: { whenUnavailable } },
        stores: { replay: Object.assign(memoryStore(), { add }) },
      },
      { logger },
    )
    app.get('/', async () => 'ok')
    const key = await generateDPoPKey()
    const accessToken = await tokenOf({ cnf: { jkt: key.thumbprint } })
    const dpop = await dpopProof({ key, url, accessToken })
    const headers = { authorization: `DPoP ${accessToken}`, dpop }
    t.equal((await app.inject({ url: '/', headers })).statusCode, statusCode)
    t.match(lines[0], { level: 40, msg, err: { message: 'the store is down' } })
  })
}
