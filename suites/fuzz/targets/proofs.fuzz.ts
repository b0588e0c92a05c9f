/**
 * Verifies DPoP proofs (P1): valid proofs changed by member and character, signed by the client or
 * an attacker. The API must accept a proof only if an independent implementation of the twelve
 * checks accepts the proof, and never twice.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { calculateJwkThumbprint } from 'jose'
import { createResourceServer, memoryStore } from '../../../src/index.js'
import { forge, NOW, signed } from '../../../test/fixtures/forgery.js'
import { AUDIENCE, base64url, ISSUER } from '../../../test/fixtures/issuer.js'
import { type Edit, edited, edits } from '../arbitraries/edits.js'
import { jsonObject, jsonValue } from '../arbitraries/json.js'
import { type Change, changed, changesTo } from '../arbitraries/members.js'
import { anyText } from '../arbitraries/text.js'
import { ed25519 } from '../harness/fixed-keys.js'
import { outcomeOf } from '../harness/outcome.js'
import { isValidProof } from '../oracles/proof-checks.js'
import type { Target } from '../target.js'

interface ProofCase {
  readonly header: readonly Change[] | string
  /** Changes of the key in the header. */
  readonly jwk: readonly Change[]
  readonly claims: readonly Change[] | string
  readonly signer: 'client' | 'attacker'
  readonly edits: readonly Edit[]
}

const URL_OF_API = 'https://api.example/orders?id=1'
/** RFC 3986 §6.2.2 and §6.2.3. */
const EQUIVALENT_URLS = [
  'https://api.example/orders',
  'https://api.example/orders?other=query',
  'https://api.example/orders#fragment',
  'HTTPS://API.example:443/orders',
  'https://api.example/%6frders',
  'https://api.example/x/../orders',
  'https://api.example/./orders',
]
const OTHER_URLS = [
  'http://api.example/orders',
  'https://api.example/orders/',
  'https://api.example/Orders',
  'https://api.example:444/orders',
  'https://user@api.example/orders',
  'https://api.example.evil/orders',
  'https://api.example\\orders',
  ' https://api.example/orders',
  '/orders',
  '',
]

const texts = (...list: readonly string[]) => list.map((text) => JSON.stringify(text))

const HEADER = {
  typ: texts('dpop+jwt', 'application/DPoP+jwt', 'at+jwt', 'JWT', 'x/dpop+jwt'),
  alg: texts('EdDSA', 'Ed25519', 'ES256', 'HS256', 'none'),
  jwk: ['null', '{}', '[]', '{"kty":"OKP"}'],
  kid: texts('x'),
  crit: ['[]', '["b64"]'],
  b64: ['true', 'false'],
}
const JWK = {
  kty: texts('OKP', 'EC', 'RSA', 'oct'),
  crv: texts('Ed25519', 'Ed448', 'X25519', 'P-256'),
  x: texts('', 'AAAA'),
  d: texts('', 'AAAA'),
  k: texts('AAAA'),
  use: texts('sig', 'enc'),
  alg: texts('EdDSA', 'Ed25519', 'ES256'),
  key_ops: ['["verify"]', '["sign"]', '[]'],
  ext: ['true'],
  kid: texts('x'),
}
const CLAIMS = {
  jti: texts('', 'x', ' '),
  htm: texts('GET', 'get', 'POST', 'GET ', ''),
  htu: texts(...EQUIVALENT_URLS, ...OTHER_URLS),
  iat: [-91, -90, -89, 0, 29, 30, 31].map((seconds) => `${NOW + seconds}`),
  ath: texts('', 'x', 'A'.repeat(43)),
  nonce: texts('', 'x'),
}

const piece = fc.oneof(fc.constantFrom('.', '=', '-', '_', 'A', '+', ' '), anyText(2))

const cases: fc.Arbitrary<ProofCase> = fc.record({
  header: fc.oneof(
    { weight: 9, arbitrary: changesTo(HEADER) },
    { weight: 1, arbitrary: jsonObject },
  ),
  jwk: fc.oneof(fc.constant([]), changesTo(JWK)),
  claims: fc.oneof(
    { weight: 9, arbitrary: changesTo(CLAIMS) },
    { weight: 1, arbitrary: jsonValue },
  ),
  signer: fc.constantFrom('client', 'client', 'client', 'client', 'attacker'),
  edits: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: edits(piece, 2) },
  ),
})

export const proofs: Target<ProofCase> = {
  name: 'proofs',
  share: 0.1,
  cases,
  requiredOutcomes: ['accepted', '401 proof', '401 binding'],
  async open() {
    const issuer = ed25519('issuer')
    const client = ed25519('client')
    const signers = { client, attacker: ed25519('attacker') }
    const { kid: _kid, alg: _alg, use: _use, ...own } = client.publicJwk
    const jkt = await calculateJwkThumbprint(own)
    const token = forge(issuer, { claims: { cnf: { jkt } } })
    const ath = createHash('sha256').update(token).digest('base64url')
    // Hides that the store is local, because the API then rejects proofs made before it started.
    const replay = Object.assign(memoryStore(), { isProcessLocal: false })
    const api = await createResourceServer({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwks: { keys: [issuer.publicJwk] },
      now: () => NOW * 1000,
      dpop: 'allowed',
      stores: { replay },
    })
    let count = 0

    function written(testCase: ProofCase): string {
      const valid = { jti: `jti-${count++}`, htm: 'GET', htu: EQUIVALENT_URLS[0], iat: NOW, ath }
      const jwk: Change = { how: 'set', name: 'jwk', value: changed(own, testCase.jwk) }
      const header = { typ: 'dpop+jwt', alg: 'EdDSA' }
      const input = [
        typeof testCase.header === 'string'
          ? testCase.header
          : changed(header, [jwk, ...testCase.header]),
        typeof testCase.claims === 'string' ? testCase.claims : changed(valid, testCase.claims),
      ]
      const text = signed(signers[testCase.signer], input.map(base64url).join('.'))
      return edited(text, testCase.edits)
    }

    return {
      async run(testCase) {
        const proof = written(testCase)
        const dpop = { proof, method: 'GET', url: URL_OF_API }
        const outcome = await outcomeOf(api.verify({ token, dpop }))
        assert.match(outcome, /^(?:accepted|401 (?:proof|binding))$/)
        const isGood = await isValidProof(proof, {
          method: 'GET',
          urls: EQUIVALENT_URLS,
          token,
          jkt,
        })
        if (outcome === 'accepted') {
          assert.ok(isGood, `accepted: ${proof}`)
          assert.equal(await outcomeOf(api.verify({ token, dpop })), '401 proof', 'a replay')
        }
        // A proof may be rejected for unnecessary members of its key, or because an earlier case
        // used the `jti` that this case sets.
        const isPlain =
          testCase.jwk.length === 0 && !JSON.stringify(testCase.claims).includes('"jti"')
        if (isGood && isPlain) assert.equal(outcome, 'accepted', proof)
        return outcome
      },
      close: () => api.close(),
    }
  },
}
