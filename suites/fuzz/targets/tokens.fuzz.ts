/**
 * Verifies token strings: valid tokens changed by member, segment, character and byte, with real
 * signatures. jose is the oracle. With a cache, the result must be the same on the first, second
 * and third use.
 */
import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import type { Algorithm } from '../../../src/base/algorithms.js'
import type { ResourceServer } from '../../../src/index.js'
import { makeKey, type TestKey } from '../../../test/fixtures/issuer.js'
import type { Ring } from '../../differential/fixtures/rings.js'
import { Verifiers } from '../../differential/fixtures/verifiers.js'
import { type TokenCase, tokenCase } from '../arbitraries/tokens.js'
import { ed25519 } from '../harness/fixed-keys.js'
import { tokenText } from '../harness/token-text.js'
import { reasonToReject } from '../oracles/stricter-than-jose.js'
import type { Target } from '../target.js'

/** Small, so that the cache evicts entries during the run. */
const CACHE = { maxEntries: 200, maxBytes: 1_000_000 }

const ATTACKER = ed25519('attacker')

export const tokens: Target<TokenCase> = {
  name: 'tokens',
  share: 1,
  cases: tokenCase,
  requiredOutcomes: [
    'accepted',
    'token',
    'signature',
    'stricter: sender-constrained by cnf',
    'stricter: crit or b64',
  ],
  async open() {
    const all = await Promise.all((await rings()).map((ring) => Verifiers.of(ring, CACHE)))
    return {
      async run(testCase) {
        const verifiers = all[testCase.ring % all.length] as Verifiers
        const { signers } = verifiers.ring
        const signer = signers[testCase.signer % signers.length] as TestKey
        const raw = tokenText(testCase, { signer, attacker: ATTACKER })
        if (raw === '') return 'empty'
        const { jose, ours, cached } = await verifiers.verify(raw)
        const about = `${raw}: jose ${jose}, ours ${ours}, with a cache ${cached}`
        assert.ok(!/^crash|^leak/.test(ours), about)
        assert.ok(
          cached.every((result) => result === ours),
          about,
        )
        if (ours === 'accepted') {
          assert.ok(jose, about)
          assert.equal(reasonToReject(raw), undefined, about)
          assert.deepEqual(await claimsOf(verifiers.cached, raw), payloadOf(raw))
          return ours
        }
        assert.ok(!isValid(testCase), about)
        if (!jose) return ours
        const reason = reasonToReject(raw)
        assert.ok(reason, `rejected without an intended reason: ${about}`)
        return `stricter: ${reason}`
      },
      async close() {
        for (const { plain, cached } of all) await Promise.all([plain.close(), cached.close()])
      },
    }
  },
}

/** Keys of each type, mostly fast ones because signing dominates the run time, and secrets. */
async function rings(): Promise<readonly Ring[]> {
  const own = ed25519('issuer')
  const others = await Promise.all([makeKey('ES256'), makeKey('PS256'), makeKey('RS256')])
  const secret = Buffer.alloc(64, 7)
  const signers = [...Array.from({ length: 9 }, () => own), ...others]
  const algorithms: readonly Algorithm[] = ['EdDSA', 'ES256', 'PS256', 'RS256']
  const named: Ring = {
    name: 'a key set',
    algorithms,
    jwks: [own, ...others].map(({ publicJwk }) => publicJwk),
    secret: undefined,
    signers,
  }
  const macs: readonly Algorithm[] = ['HS256', 'HS512']
  const key = { publicJwk: { kid: 'none' }, privateKey: createSecretKey(secret) }
  return [
    named,
    { ...named, name: 'a secret', algorithms: macs, jwks: [], secret, signers: macs.map(withKey) },
  ]
  function withKey(alg: string): TestKey {
    return { alg, ...key }
  }
}

function isValid({ header, claims, unsigned, signed, signature, order }: TokenCase): boolean {
  const changes = [header, claims, unsigned, signed]
  return (
    changes.every((list) => list.length === 0) && signature !== 'attacker' && `${order}` === '0,1,2'
  )
}

async function claimsOf(server: ResourceServer, raw: string): Promise<unknown> {
  return (await server.verify(raw)).claims
}

function payloadOf(raw: string): unknown {
  return JSON.parse(Buffer.from(raw.split('.')[1] ?? '', 'base64url').toString())
}
