/**
 * Verifies encrypted tokens: valid tokens changed by header member, content, segment, character and
 * byte, and segments of two tokens in one. jose is the oracle of both layers, with the same
 * algorithms.
 */
import assert from 'node:assert/strict'
import { outcome } from '../../../test/fixtures/forgery.js'
import type { Ring } from '../../differential/fixtures/rings.js'
import { resultOf, Verifiers } from '../../differential/fixtures/verifiers.js'
import { type EncryptedTokenCase, encryptedTokenCase } from '../arbitraries/encrypted-tokens.js'
import { encryptedTokenText } from '../harness/encrypted-token-text.js'
import { makeRecipes, type Recipe } from '../harness/encryption-recipes.js'
import { ed25519 } from '../harness/fixed-keys.js'
import { decryptWithJose, reasonToRejectEncrypted } from '../oracles/jose-decryption.js'
import type { Target } from '../target.js'

/** Small, so that the cache evicts entries during the run. */
const CACHE = { maxEntries: 200, maxBytes: 1_000_000 }

const OWN = ed25519('issuer')
const RING: Ring = {
  name: 'one key',
  algorithms: ['EdDSA'],
  jwks: [OWN.publicJwk],
  secret: undefined,
  signers: [OWN],
}

export const encryptedTokens: Target<EncryptedTokenCase> = {
  name: 'encrypted-tokens',
  share: 0.1,
  cases: encryptedTokenCase,
  requiredOutcomes: [
    'accepted',
    'token',
    'decryption',
    'signature',
    'stricter: crit, zip or b64',
    'stricter: cty other than JWT',
    'stricter: kid of another key',
    'stricter: non-canonical base64url',
  ],
  async open() {
    const { recipes, keys } = makeRecipes()
    const verifiers = await Verifiers.of(RING, CACHE, { decryption: { keys } })
    const { plain, cached } = verifiers
    const signers = { signer: OWN, attacker: ed25519('attacker') }
    return {
      async run(testCase) {
        const recipe = recipes[testCase.recipe % recipes.length] as Recipe
        const { raw, jwt } = encryptedTokenText(testCase, recipe, signers)
        if (raw === '') return 'empty'
        const decrypted = await decryptWithJose(raw, keys)
        const jose = decrypted !== undefined && (await verifiers.joseAccepts(decrypted.content))
        // The error must reveal neither the token nor the JWT in it.
        const ours = await outcome({ verify: () => plain.verify(raw) }, `${raw}.${jwt}`)
        const about = `${raw}: jose ${jose}, ours ${ours}`
        assert.ok(!/^crash|^leak/.test(ours), about)
        for (let use = 0; use < 3; use++) assert.equal(await resultOf(cached, raw), ours, about)
        if (ours === 'accepted') {
          assert.ok(jose, about)
          assert.equal(reasonToRejectEncrypted(raw, decrypted), undefined, about)
          const { claims, raw: sent } = await cached.verify(raw)
          assert.deepEqual(claims, payloadOf(decrypted.content))
          assert.equal(sent, raw)
          return ours
        }
        assert.ok(!isValid(testCase), about)
        if (!jose) return ours
        const reason = reasonToRejectEncrypted(raw, decrypted)
        assert.ok(reason, `rejected without an intended reason: ${about}`)
        return `stricter: ${reason}`
      },
      async close() {
        await Promise.all([plain.close(), cached.close()])
      },
    }
  },
}

function isValid({ header, inner, content, changes, order }: EncryptedTokenCase): boolean {
  return (
    header.length + changes.length === 0 &&
    typeof inner === 'string' &&
    content === 'jwt' &&
    `${order}` === '0,1,2,3,4'
  )
}

function payloadOf(jwt: string): unknown {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
}
