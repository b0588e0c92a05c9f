/** The rejection of a request without usable credentials names the schemes that its route accepts. */
import t from 'tap'
import {
  createResourceServer,
  type PluginOptions,
  type ResourceServerError,
  type ResourceServerOptions,
} from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { given, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const client = await DPoPClient.make()
const baseUrl = 'https://api.example'
const ofDPoP: Partial<PluginOptions> = { dpop: { baseUrl, algorithms: ['ES256'] } }

/** The `dpop` requirement of the route. */
const SCHEMES = { off: 'Bearer', allowed: 'Bearer or DPoP', required: 'DPoP' } as const

async function api(t: Parameters<typeof protectedApi>[0], options: Partial<PluginOptions>) {
  const lines: Record<string, unknown>[] = []
  const rejections: ResourceServerError[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const onReject = (error: ResourceServerError) => void rejections.push(error)
  const app = await protectedApi(t, { ...options, onReject }, { logger: { stream } })
  const send = async (url: string, headers: Record<string, string>) => {
    lines.length = 0
    rejections.length = 0
    const { statusCode, headers: response } = await app.inject({ url, headers })
    const logged = lines.find(({ msg }) => `${msg}`.startsWith('request rejected'))?.expected
    const { code, expected, reason } = rejections[0] as ResourceServerError
    t.equal(logged, expected, 'the log contains the reason of the error')
    t.equal(reason.expected, expected)
    return { statusCode, code, expected, challenges: [response['www-authenticate']].flat() }
  }
  return { app, send }
}

for (const [dpop, schemes] of Object.entries(SCHEMES) as ['off', 'Bearer'][]) {
  t.test(`dpop ${dpop}: an error about the header names ${schemes}`, async (t) => {
    const { app, send } = await api(t, ofDPoP)
    app.get('/', { config: { auth: { dpop } } }, async () => 'in')
    const missing = { statusCode: 401, code: 'missing_credentials', expected: schemes }
    for (const headers of [{}, { authorization: '' }, { authorization: 'Basic dTpw' }]) {
      t.match(await send('/', headers as never), missing, JSON.stringify(headers))
    }
    const malformed = {
      statusCode: 400,
      code: 'invalid_request',
      expected: `${schemes}, a space, and one token`,
    }
    for (const rest of ['', ' ', ' a b', ' "a"', '\ta', ' a, DPoP b']) {
      t.match(await send('/', { authorization: `Bearer${rest}` }), malformed, `Bearer${rest}`)
      const wanted = dpop === 'off' ? missing : malformed
      t.match(await send('/', { authorization: `dpop${rest}` }), wanted, `dpop${rest}`)
    }
    const { challenges } = await send('/', {})
    const offered = challenges.map((challenge) => `${challenge}`.split(' ')[0]).join(' or ')
    t.equal(offered, schemes, 'as in the challenges')
  })
}

t.test('routes without a requirement accept the schemes of the option "dpop"', async (t) => {
  for (const [options, schemes] of [
    [{}, 'Bearer'],
    [ofDPoP, 'Bearer or DPoP'],
    [{ dpop: { ...(ofDPoP.dpop as object), mode: 'required' } }, 'DPoP'],
  ] as const) {
    const { app, send } = await api(t, options)
    app.get('/', async () => 'in')
    t.equal((await send('/', {})).expected, schemes)
    t.equal((await send('/nowhere', {})).expected, schemes, 'neither does the 404 handler')
    const { expected } = await send('/', { authorization: 'Bearer a b' })
    t.equal(expected, `${schemes}, a space, and one token`)
  }
})

t.test('a missing token is expected from "extractToken" if that is set', async (t) => {
  const { app, send } = await api(t, { ...ofDPoP, extractToken: () => undefined })
  app.get('/', async () => 'in')
  const missing = { code: 'missing_credentials', expected: 'a token, returned by "extractToken"' }
  t.match(await send('/', {}), missing)
  const authorization = `Bearer ${await tokenOf()}`
  t.match(await send('/', { authorization }), missing, 'in no header')
})

t.test('verify() names the schemes of its requirement', async (t) => {
  const server = await createResourceServer(given(ofDPoP) as ResourceServerOptions)
  t.teardown(() => server.close())
  await t.rejects(server.verify(''), { code: 'missing_credentials', expected: 'Bearer or DPoP' })
  for (const [dpop, expected] of Object.entries(SCHEMES) as ['off', 'Bearer'][]) {
    await t.rejects(server.verify('', { dpop }), { code: 'missing_credentials', expected })
  }
  const proof = await client.proof({ url: baseUrl, token: 'a' })
  const presented = { token: '', dpop: { proof, method: 'GET', url: baseUrl } }
  await t.rejects(server.verify(presented, { dpop: 'required' }), {
    code: 'missing_credentials',
    expected: 'DPoP',
  })
})
