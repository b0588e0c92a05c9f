/**
 * A vulnerability of the application adds members to `Object.prototype`. No token is then sent
 * elsewhere, shared, or accepted although its response lacks a member.
 */
import t from 'tap'
import { EXCHANGE_REQUEST_KEYS } from '../../src/exchange/exchange-parameters.js'
import { EXCHANGER_OPTIONS } from '../../src/exchange/options.js'
import { json } from '../fixtures/key-server.js'
import { exchangerOf, oauthError, startTokenServer } from '../fixtures/token-server.js'

const server = await startTokenServer(t)
const attacker = await startTokenServer(t)

const RESPONSE = ['access_token', 'token_type', 'issued_token_type', 'expires_in', 'scope', 'error']
const OTHERS = ['cnf', 'iss', 'exp', 'nonce', 'ath', 'token_endpoint', 'claims', 'suberror', 'alg']
const VALUES: Record<string, unknown> = {
  issuer: attacker.issuer,
  tokenEndpoint: attacker.endpoint,
  token_endpoint: attacker.endpoint,
  access_token: 'polluted',
  token_type: 'Bearer',
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  expires_in: 9_999,
  exp: 9_999_999_999,
  error: 'invalid_grant',
  audience: 'polluted',
  scope: 'polluted',
  dangerouslyAllowBoundTokens: true,
  protocol: 'entra',
  subjectIssuers: ['https://evil.example'],
}

async function polluted<T>(name: string, work: () => Promise<T>): Promise<T> {
  Reflect.set(Object.prototype, name, VALUES[name] ?? 'polluted')
  try {
    return await work()
  } finally {
    Reflect.deleteProperty(Object.prototype, name)
  }
}

for (const name of new Set([
  ...EXCHANGER_OPTIONS,
  ...EXCHANGE_REQUEST_KEYS,
  ...RESPONSE,
  ...OTHERS,
])) {
  t.test(`Object.prototype.${name}`, async (t) => {
    const bound = `e30.${Buffer.from('{"cnf":{}}').toString('base64url')}.c2ln`
    const foreign = `e30.${Buffer.from('{"iss":"https://evil.example"}').toString('base64url')}.c2ln`
    const before = server.exchanges.length
    const { outcome } = await polluted(name, () => exchangerOf(t, server))
    const during = await polluted(name, async () => {
      const ada = await outcome('ada-token')
      const bob = await outcome('bob-token')
      const cached = await outcome('ada-token')
      server.state.respond = () => json({})
      const empty = await outcome('eve-token')
      server.state.respond = () => oauthError('invalid_grant')
      return {
        ada,
        bob,
        cached,
        empty,
        bound: await outcome(bound),
        foreign: await outcome(foreign),
      }
    })
    server.state.respond = (form) =>
      json({
        access_token: `issued-for-${form.get('subject_token')}`,
        token_type: 'Bearer',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        expires_in: 300,
      })
    t.strictSame(during.cached, during.ada)
    if (during.ada !== '503') t.not(during.ada, during.bob)
    t.match(during.ada, /^(issued-for-ada-token|503$)/)
    t.match(during.bob, /^(issued-for-bob-token|503$)/)
    t.equal(during.empty, '503')
    t.equal(during.bound, '403 invalid_subject_token')
    t.equal(during.foreign, '403 invalid_subject_token')
    t.equal(attacker.requests.length, 0)
    for (const { form } of server.exchanges.slice(before)) t.notMatch(`${form}`, /polluted|evil/)
  })
}
