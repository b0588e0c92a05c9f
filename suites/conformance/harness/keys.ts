/** The suite's signing keys: published, unsuitable, and unpublished ones. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { makeKey, type TestKey } from '../../../test/fixtures/issuer.js'

export interface SuiteKeys {
  readonly rs256: TestKey
  readonly es256: TestKey
  /** 1024 bits, which RFC 7518 §3.3 forbids. */
  readonly weak: TestKey
  /** `use` is `enc`. */
  readonly forEncryption: TestKey
  /** `key_ops` is `["encrypt"]`. */
  readonly forOtherOperations: TestKey
  /** In no key set. */
  readonly unpublished: TestKey
}

export async function makeSuiteKeys(): Promise<SuiteKeys> {
  const [rs256, es256, encryption, operations, unpublished] = await Promise.all([
    makeKey('RS256', 'suite-rs256'),
    makeKey('ES256', 'suite-es256'),
    makeKey('RS256', 'suite-encryption'),
    makeKey('RS256', 'suite-operations'),
    makeKey('RS256', 'suite-unpublished'),
  ])
  const { use: _, ...withoutUse } = operations.publicJwk
  return {
    rs256,
    es256,
    weak: weakKey(),
    forEncryption: { ...encryption, publicJwk: { ...encryption.publicJwk, use: 'enc' } },
    forOtherOperations: { ...operations, publicJwk: { ...withoutUse, key_ops: ['encrypt'] } },
    unpublished,
  }
}

/** Returns the keys of the issuer's key set. */
export function published(keys: SuiteKeys): TestKey['publicJwk'][] {
  const { rs256, es256, weak, forEncryption, forOtherOperations } = keys
  return [rs256, es256, weak, forEncryption, forOtherOperations].map(({ publicJwk }) => publicJwk)
}

function weakKey(): TestKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const { n, e } = privateKey.export({ format: 'jwk' }) as { n: string; e: string }
  return {
    alg: 'RS256',
    publicJwk: { kty: 'RSA', n, e, kid: 'suite-weak', alg: 'RS256', use: 'sig' },
    privateKey: createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })),
  }
}
