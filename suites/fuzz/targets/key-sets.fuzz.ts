/**
 * Sends key sets over HTTP: members of every type beside a valid key, and malformed documents. jose
 * must accept every accepted token with the same document, an invalid key must never invalidate the
 * set, and the response must be 200, 401 or 503.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createLocalJWKSet, type JSONWebKeySet, type JWK, jwtVerify } from 'jose'
import { createResourceServer } from '../../../src/index.js'
import { forge, NOW } from '../../../test/fixtures/forgery.js'
import { AUDIENCE, ISSUER, makeKey } from '../../../test/fixtures/issuer.js'
import { bodyOf, isIntact, type SentResponse, sentResponse } from '../arbitraries/documents.js'
import { jsonValue } from '../arbitraries/json.js'
import { startDocumentServer } from '../harness/document-server.js'
import { ed25519 } from '../harness/fixed-keys.js'
import { outcomeOf } from '../harness/outcome.js'
import type { Target } from '../target.js'

/** Replaces members of a valid key with JSON texts; `key` is an index into the pool. */
interface KeyChange {
  readonly key: number
  readonly members: readonly (readonly [name: string, value: string])[]
}

interface KeySetCase {
  readonly before: readonly (KeyChange | string)[]
  /** Whether the set includes the key of the token, unchanged. */
  readonly includesSigner: boolean
  readonly after: readonly (KeyChange | string)[]
  /** Text that replaces the whole key set. */
  readonly document: string | undefined
  readonly sent: SentResponse
}

const NAMES = ['kty', 'crv', 'x', 'y', 'n', 'e', 'alg', 'use', 'key_ops', 'kid', 'ext', 'd', 'k']
const value = fc.oneof(
  jsonValue,
  fc.constantFrom('"RSA"', '"EC"', '"OKP"', '"oct"', '"AQAB"', '"AQ"', '"sig"', '"enc"'),
  fc.constantFrom('["verify"]', '["verify","verify"]', '"P-256"', '"X25519"', '"EdDSA"', '"ed"'),
)
const change = fc.record({
  key: fc.nat(99),
  members: fc.array(fc.tuple(fc.constantFrom(...NAMES, 'x5c', 'issuer'), value), { maxLength: 3 }),
})
const members = fc.array(fc.oneof({ weight: 4, arbitrary: change }, jsonValue), { maxLength: 5 })

const cases: fc.Arbitrary<KeySetCase> = fc.record({
  before: members,
  includesSigner: fc.boolean(),
  after: members,
  document: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: jsonValue },
    { weight: 1, arbitrary: jsonValue.map((keys) => `{"keys":${keys}}`) },
  ),
  sent: sentResponse('application/json'),
})

export const keySets: Target<KeySetCase> = {
  name: 'key-sets',
  share: 0.002,
  cases,
  requiredOutcomes: ['accepted', '401 key', '401 signature', '503 keys-unavailable'],
  async open() {
    const server = await startDocumentServer()
    const [signer, other] = [ed25519('ed'), ed25519('other')]
    const pool = [signer, other, await makeKey('RS256'), await makeKey('ES256')]
    const raw = forge(signer)
    return {
      async run(testCase) {
        const document =
          testCase.document ??
          documentOf(
            testCase,
            pool.map(({ publicJwk }) => publicJwk),
          )
        server.serve('/keys', document, testCase.sent)
        const api = await createResourceServer({
          issuer: ISSUER,
          audience: AUDIENCE,
          jwksUri: server.jwksUri,
          now: () => NOW * 1000,
        })
        const outcome = await outcomeOf(api.verify(raw))
        await api.close()
        assert.match(outcome, /^(?:accepted|401 (?:key|signature)|503 keys-unavailable)$/)
        const body = bodyOf(document, testCase.sent).toString()
        if (outcome === 'accepted') assert.ok(await joseAccepts(raw, body), body)
        else assert.ok(!isValid(testCase) || !isJson(body), `${outcome}: ${body}`)
        assert.equal(server.count('/moved'), 0, 'followed a redirect')
        return outcome
      },
      close: server.close,
    }
  },
}

function isValid({ includesSigner, document, sent }: KeySetCase): boolean {
  return includesSigner && document === undefined && isIntact(sent)
}

/** A member that is not JSON makes the whole document invalid. */
function isJson(body: string): boolean {
  try {
    JSON.parse(body)
    return true
  } catch {
    return false
  }
}

function documentOf({ before, includesSigner, after }: KeySetCase, pool: readonly JWK[]): string {
  const text = (member: KeyChange | string) =>
    typeof member === 'string' ? member : changed(member, pool)
  const own = includesSigner ? [JSON.stringify(pool[0])] : []
  return `{"keys":[${[...before.map(text), ...own, ...after.map(text)].join(',')}]}`
}

function changed({ key, members }: KeyChange, pool: readonly JWK[]): string {
  const names = members.map(([name]) => name)
  const kept = Object.entries(pool[key % pool.length] as JWK)
    .filter(([name]) => !names.includes(name))
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  return `{${[...kept, ...members.map(([name, value]) => `"${name}":${value}`)].join(',')}}`
}

/** Tries each key alone, because jose rejects a set with a key that jose cannot import. */
async function joseAccepts(raw: string, body: string): Promise<boolean> {
  const { keys } = JSON.parse(body) as JSONWebKeySet
  const options = { currentDate: new Date(NOW * 1000) }
  for (const key of keys) {
    try {
      await jwtVerify(raw, createLocalJWKSet({ keys: [readByJose(key)] }), options)
      return true
    } catch {
      // Another key may verify the token.
    }
  }
  return false
}

/**
 * Keeps the members that jose uses, because jose copies all members and fails on deep nesting. Omits
 * the members that this package treats as absent: `null`, and an empty `key_ops`.
 */
function readByJose({ kty, crv, x, d, k, alg, use, key_ops, kid, ext }: JWK): JWK {
  const members = { kty, crv, x, d, k, alg, use, key_ops, kid, ext }
  const given = Object.entries(members).filter(
    ([name, value]) =>
      value !== undefined && value !== null && !(name === 'key_ops' && `${value}` === ''),
  )
  return Object.fromEntries(given) as JWK
}
