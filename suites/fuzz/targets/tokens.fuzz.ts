/**
 * Token strings: good ones changed by member, segment, character and byte, and signed for real. jose
 * judges; with a cache the verdict is the same, at the first sight, the second and the third.
 */
import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import type { Algorithm } from '../../../src/base/algorithms.js'
import type { ResourceServer } from '../../../src/index.js'
import { makeKey, type TestKey } from '../../../test/fixtures/issuer.js'
import { Judges } from '../../differential/fixtures/judges.js'
import type { Ring } from '../../differential/fixtures/rings.js'
import { type TokenCase, tokenCase } from '../arbitraries/tokens.js'
import { reasonToRefuse } from '../judges/stricter.js'
import { ed25519 } from '../stage/fixed-keys.js'
import { tokenText } from '../stage/token-text.js'
import type { Target } from '../target.js'

/** Small, so that what is kept comes and goes. */
const CACHE = { maxEntries: 200, maxBytes: 1_000_000 }

const STRANGER = ed25519('stranger')

export const tokens: Target<TokenCase> = {
  name: 'tokens',
  share: 1,
  cases: tokenCase,
  mustSee: ['accepted', 'token', 'signature', 'stricter: bound by cnf', 'stricter: crit or b64'],
  async open() {
    const judges = await Promise.all((await rings()).map((ring) => Judges.of(ring, CACHE)))
    return {
      async play(one) {
        const judge = judges[one.ring % judges.length] as Judges
        const { signers } = judge.ring
        const signer = signers[one.signer % signers.length] as TestKey
        const raw = tokenText(one, { signer, stranger: STRANGER })
        if (raw === '') return 'empty'
        const { jose, ours, cached } = await judge.judge(raw)
        const about = `${raw}: jose ${jose}, ours ${ours}, with a cache ${cached}`
        assert.ok(!/^crash|^leak/.test(ours), about)
        assert.ok(
          cached.every((verdict) => verdict === ours),
          about,
        )
        if (ours === 'accepted') {
          assert.ok(jose, about)
          assert.equal(reasonToRefuse(raw), undefined, about)
          assert.deepEqual(await claimsOf(judge.cached, raw), payloadOf(raw))
          return ours
        }
        assert.ok(!isUntouched(one), about)
        if (!jose) return ours
        const reason = reasonToRefuse(raw)
        assert.ok(reason, `refused, and not meant to be: ${about}`)
        return `stricter: ${reason}`
      },
      async close() {
        for (const { plain, cached } of judges) await Promise.all([plain.close(), cached.close()])
      },
    }
  },
}

/** Keys that are quick to sign with most of the time, of each kind; and secrets. */
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

function isUntouched({ header, claims, unsigned, signed, sign, order }: TokenCase): boolean {
  const changes = [header, claims, unsigned, signed]
  return changes.every((list) => list.length === 0) && sign !== 'stranger' && `${order}` === '0,1,2'
}

async function claimsOf(server: ResourceServer, raw: string): Promise<unknown> {
  return (await server.verify(raw)).claims
}

function payloadOf(raw: string): unknown {
  return JSON.parse(Buffer.from(raw.split('.')[1] ?? '', 'base64url').toString())
}
