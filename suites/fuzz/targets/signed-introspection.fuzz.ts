/**
 * Signed introspection answers (I5): JWTs nearly right around answers nearly right, signed by the
 * issuer or a stranger. Accepted if and only if envelope and answer are what RFC 9701 says.
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
import { isGoodAnswer, isGoodEnvelope } from '../judges/introspection-answers.js'
import { isStrictObject } from '../judges/strict-json.js'
import { startDocumentServer } from '../stage/document-server.js'
import { ed25519 } from '../stage/fixed-keys.js'
import { verdictOf } from '../stage/verdict.js'
import type { Target } from '../target.js'
import { ANSWER } from './introspection.fuzz.js'

interface SignedCase {
  readonly header: readonly Change[]
  readonly claims: readonly Change[]
  readonly answer: readonly Change[]
  readonly signer: 'issuer' | 'stranger'
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
    answer: few(ANSWER),
    signer: fc.constantFrom('issuer', 'issuer', 'issuer', 'issuer', 'stranger'),
    edits: fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: edits(fc.oneof(fc.constantFrom('.', '=', 'A'), anyText(2)), 2) },
    ),
  }),
  mustSee: ['accepted', '503 introspection-unavailable'],
  async open() {
    const server = await startDocumentServer()
    const { issuer } = server
    const own = ed25519('issuer')
    const signers = { issuer: own, stranger: ed25519('stranger') }
    server.respond('/keys', json({ keys: [own.publicJwk] }))
    const kind = { 'content-type': 'application/token-introspection+jwt' }
    return {
      async play(one) {
        const answer = changed({ active: true, exp: NOW + 300, aud: AUDIENCE }, one.answer)
        const inner: Change = { how: 'set', name: 'token_introspection', value: answer }
        const header = changed(
          { typ: 'token-introspection+jwt', alg: 'EdDSA', kid: 'issuer' },
          one.header,
        )
        const claims = changed({ iss: issuer, aud: 'api', iat: NOW }, [inner, ...one.claims])
        const jwt = signed(signers[one.signer], [header, claims].map(base64url).join('.'))
        const body = edited(jwt, one.edits)
        server.respond('/introspect', text(body, kind))
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
        const verdict = await verdictOf(api.verify('an-opaque-token'))
        await api.close()
        assert.match(verdict, /^(?:accepted|401 [\w-]+|503 introspection-unavailable)$/)
        const isGood =
          one.signer === 'issuer' &&
          body === jwt &&
          [header, claims].every(isStrictObject) &&
          isGoodJwt(JSON.parse(header), JSON.parse(claims), issuer)
        assert.equal(verdict === 'accepted', isGood, `${verdict}: ${header} ${claims}`)
        return verdict
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
  const { token_introspection: said } = claims
  return (
    header.alg === 'EdDSA' &&
    !Object.hasOwn(header, 'crit') &&
    isGoodEnvelope(header, claims, { issuer, names: ['api', AUDIENCE] }) &&
    typeof said === 'object' &&
    said !== null &&
    isGoodAnswer(said as Record<string, unknown>, issuer)
  )
}
