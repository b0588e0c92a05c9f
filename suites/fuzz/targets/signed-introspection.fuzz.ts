/**
 * Sends signed introspection responses (I5): nearly valid JWTs with nearly valid responses, signed
 * by the issuer or an attacker. The API must accept a token if and only if the JWT and the response
 * conform to RFC 9701.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createResourceServer } from '../../../src/index.js'
import { NOW, signed } from '../../../test/fixtures/forgery.js'
import { AUDIENCE, base64url } from '../../../test/fixtures/issuer.js'
import { json, text } from '../../../test/fixtures/key-server.js'
import { type Edit, edited, edits } from '../arbitraries/edits.js'
import { type Change, changed, changesTo } from '../arbitraries/members.js'
import { anyText } from '../arbitraries/text.js'
import { startDocumentServer } from '../harness/document-server.js'
import { ed25519 } from '../harness/fixed-keys.js'
import { outcomeOf } from '../harness/outcome.js'
import { isActiveResponse, isValidEnvelope } from '../oracles/introspection-responses.js'
import { isStrictObject } from '../oracles/strict-json.js'
import type { Target } from '../target.js'
import { RESPONSE_MEMBERS } from './introspection.fuzz.js'

interface SignedCase {
  readonly header: readonly Change[]
  readonly claims: readonly Change[]
  readonly response: readonly Change[]
  readonly signer: 'issuer' | 'attacker'
  readonly edits: readonly Edit[]
}

const HEADER = {
  typ: ['"token-introspection+jwt"', '"at+jwt"', '"JWT"', '"TOKEN-INTROSPECTION+JWT"', 'null'],
  alg: ['"none"', '"HS256"', '"ES256"'],
  crit: ['["exp"]', '[]'],
}
const ENVELOPE = {
  iss: ['"https://issuer.example"', 'null', '[]'],
  aud: ['"api"', `["x","${AUDIENCE}"]`, '"x"', '["x"]', '[]', 'null'],
  iat: [-301, -300, 0, 300, 301].map((seconds) => `${NOW + seconds}`),
  token_introspection: ['{"active":true}', 'null', '[]', 'true'],
  exp: ['1'],
  active: ['true'],
}
const few = (likely: Parameters<typeof changesTo>[0]) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, changesTo(likely))

export const signedIntrospection: Target<SignedCase> = {
  name: 'signed-introspection',
  share: 0.002,
  cases: fc.record({
    header: few(HEADER),
    claims: few(ENVELOPE),
    response: few(RESPONSE_MEMBERS),
    signer: fc.constantFrom('issuer', 'issuer', 'issuer', 'issuer', 'attacker'),
    edits: fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: edits(fc.oneof(fc.constantFrom('.', '=', 'A'), anyText(2)), 2) },
    ),
  }),
  requiredOutcomes: ['accepted', '503 introspection-unavailable'],
  async open() {
    const server = await startDocumentServer()
    const { issuer } = server
    const own = ed25519('issuer')
    const signers = { issuer: own, attacker: ed25519('attacker') }
    server.respond('/keys', json({ keys: [own.publicJwk] }))
    const contentType = { 'content-type': 'application/token-introspection+jwt' }
    return {
      async run(testCase) {
        const response = changed({ active: true, exp: NOW + 300, aud: AUDIENCE }, testCase.response)
        const inner: Change = { how: 'set', name: 'token_introspection', value: response }
        const header = changed(
          { typ: 'token-introspection+jwt', alg: 'EdDSA', kid: 'issuer' },
          testCase.header,
        )
        const claims = changed({ iss: issuer, aud: 'api', iat: NOW }, [inner, ...testCase.claims])
        const jwt = signed(signers[testCase.signer], [header, claims].map(base64url).join('.'))
        const body = edited(jwt, testCase.edits)
        server.respond('/introspect', text(body, contentType))
        const api = await createResourceServer({
          issuer,
          audience: AUDIENCE,
          now: () => NOW * 1000,
          jwksUri: server.jwksUri,
          introspection: {
            clientId: 'api',
            clientSecret: 'secret',
            endpoint: `${server.origin}/introspect`,
            requireSignedResponse: true,
          },
        })
        const outcome = await outcomeOf(api.verify('an-opaque-token'))
        await api.close()
        assert.match(outcome, /^(?:accepted|401 [\w-]+|503 introspection-unavailable)$/)
        const isGood =
          testCase.signer === 'issuer' &&
          body === jwt &&
          [header, claims].every(isStrictObject) &&
          isGoodJwt(JSON.parse(header), JSON.parse(claims), issuer)
        assert.equal(outcome === 'accepted', isGood, `${outcome}: ${header} ${claims}`)
        return outcome
      },
      close: server.close,
    }
  },
}

function isGoodJwt(
  header: Record<string, unknown>,
  claims: Record<string, unknown>,
  issuer: string,
): boolean {
  const { token_introspection: response } = claims
  return (
    header.alg === 'EdDSA' &&
    !Object.hasOwn(header, 'crit') &&
    isValidEnvelope(header, claims, { issuer, names: ['api', AUDIENCE] }) &&
    typeof response === 'object' &&
    response !== null &&
    isActiveResponse(response as Record<string, unknown>, issuer)
  )
}
