/**
 * Key sets over HTTP: members of every kind around a good one, and documents that are broken. What is
 * accepted, jose accepts with the same document; one bad key never spoils the set; and the answer is
 * 200, 401 or 503.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createLocalJWKSet, type JSONWebKeySet, type JWK, jwtVerify } from 'jose'
import { createResourceServer } from '../../../src/index.js'
import { forge, NOW } from '../../../test/fixtures/forgery.js'
import { AUDIENCE, ISSUER, makeKey } from '../../../test/fixtures/issuer.js'
import { bodyOf, isIntact, type Sent, sent } from '../arbitraries/documents.js'
import { jsonValue } from '../arbitraries/json.js'
import { startDocumentServer } from '../stage/document-server.js'
import { ed25519 } from '../stage/fixed-keys.js'
import { verdictOf } from '../stage/verdict.js'
import type { Target } from '../target.js'

/** JSON text in place of a member of a good key, whichever that is. */
interface KeyChange {
  readonly key: number
  readonly members: readonly (readonly [name: string, value: string])[]
}

interface KeySetCase {
  readonly before: readonly (KeyChange | string)[]
  /** Whether the key of the token is in it as it should be. */
  readonly good: boolean
  readonly after: readonly (KeyChange | string)[]
  /** In place of all that. */
  readonly document: string | undefined
  readonly sent: Sent
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
  good: fc.boolean(),
  after: members,
  document: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: jsonValue },
    { weight: 1, arbitrary: jsonValue.map((keys) => `{"keys":${keys}}`) },
  ),
  sent: sent('application/json'),
})

export const keySets: Target<KeySetCase> = {
  name: 'key-sets',
  share: 0.002,
  cases,
  mustSee: ['accepted', '401 key', '401 signature', '503 keys-unavailable'],
  async open() {
    const server = await startDocumentServer()
    const [signer, other] = [ed25519('ed'), ed25519('other')]
    const pool = [signer, other, await makeKey('RS256'), await makeKey('ES256')]
    const raw = forge(signer)
    return {
      async play(one) {
        const document =
          one.document ??
          written(
            one,
            pool.map(({ publicJwk }) => publicJwk),
          )
        server.serve('/keys', document, one.sent)
        const api = await createResourceServer({
          issuer: ISSUER,
          audience: AUDIENCE,
          jwksUri: server.jwksUri,
          now: () => NOW * 1000,
        })
        const verdict = await verdictOf(api.verify(raw))
        await api.close()
        assert.match(verdict, /^(?:accepted|401 (?:key|signature)|503 keys-unavailable)$/)
        const body = bodyOf(document, one.sent).toString()
        if (verdict === 'accepted') assert.ok(await joseAccepts(raw, body), body)
        else assert.ok(!isGood(one) || !isJson(body), `${verdict}: ${body}`)
        assert.equal(server.count('/moved'), 0, 'followed a redirect')
        return verdict
      },
      close: server.close,
    }
  },
}

function isGood({ good, document, sent }: KeySetCase): boolean {
  return good && document === undefined && isIntact(sent)
}

/** A member that is no JSON spoils the document, and none of ours is to be read then. */
function isJson(body: string): boolean {
  try {
    JSON.parse(body)
    return true
  } catch {
    return false
  }
}

function written({ before, good, after }: KeySetCase, pool: readonly JWK[]): string {
  const text = (one: KeyChange | string) => (typeof one === 'string' ? one : changed(one, pool))
  const own = good ? [JSON.stringify(pool[0])] : []
  return `{"keys":[${[...before.map(text), ...own, ...after.map(text)].join(',')}]}`
}

function changed({ key, members }: KeyChange, pool: readonly JWK[]): string {
  const names = members.map(([name]) => name)
  const kept = Object.entries(pool[key % pool.length] as JWK)
    .filter(([name]) => !names.includes(name))
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  return `{${[...kept, ...members.map(([name, value]) => `"${name}":${value}`)].join(',')}}`
}

/** With any of the keys that fit, each alone: jose gives up at a key that it can't import. */
async function joseAccepts(raw: string, body: string): Promise<boolean> {
  const { keys } = JSON.parse(body) as JSONWebKeySet
  const options = { currentDate: new Date(NOW * 1000) }
  for (const key of keys) {
    try {
      await jwtVerify(raw, createLocalJWKSet({ keys: [readByJose(key)] }), options)
      return true
    } catch {
      // The next one may do.
    }
  }
  return false
}

/** Without what it would copy for nothing, which may be nested deeper than it can copy. */
function readByJose({ kty, crv, x, d, k, alg, use, key_ops, kid, ext }: JWK): JWK {
  const members = { kty, crv, x, d, k, alg, use, key_ops, kid, ext }
  const given = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as JWK
}
