/** E1 to E3: encrypted access tokens (RFC 7516, 7518, 8725, 9068 §4). */
import { createHash, createPublicKey } from 'node:crypto'
import {
  type EncryptionKey,
  encrypt,
  encryptCompressed,
  encryptionKey,
} from '../../../test/fixtures/encryption.js'
import { base64url } from '../../../test/fixtures/issuer.js'
import { type Check, rule } from '../check.js'
import type { Api } from '../harness/api.js'
import { describe, expectAccepted, expectRejected, expectThat } from '../harness/expect.js'
import { rejects } from './variants.js'

const NEEDS = ['encrypted'] as const

export const encryption: readonly Check[] = [
  rule(
    'E1',
    'RFC 9068 §4',
    'MUST',
    'A token that is encrypted for this API is accepted, as any other token is',
    NEEDS,
    async ({ api }) => {
      for (const enc of ['A256GCM', 'A128CBC-HS256']) {
        const token = await encryptFor(api, api.forge(), { enc })
        expectAccepted(await api.present(token), enc)
        expectAccepted(await api.present(token), `${enc}, the same token again`)
      }
    },
  ),

  rule(
    'E1',
    'RFC 9068 §4',
    'SHOULD',
    'Where encryption is required, a token that is not encrypted is rejected',
    NEEDS,
    async ({ api }) => {
      const lines = [`authorization: Bearer ${api.forge()}`]
      expectRejected(await api.send({ lines }), 'a valid token that is not encrypted')
    },
  ),

  rejects(
    'E2',
    'RFC 8725 §3.3',
    'MUST',
    'Encryption authenticates no sender: the content must be a valid JWT with a signature',
    async (api) => {
      const claims = base64url(api.claims())
      const contents: Record<string, string> = {
        'claims without a signature': JSON.stringify(api.claims()),
        'an unsigned JWT': `${base64url({ alg: 'none' })}.${claims}.`,
        'a JWT with an empty signature': `${api.forge().split('.', 2).join('.')}.`,
        'a JWT of another key': api.forge({ key: api.options.keys.unpublished }),
        'a JWT of another issuer': api.forge({ claims: { iss: 'https://other.example' } }),
        'a JWT for another API': api.forge({ claims: { aud: 'api://other' } }),
        'an expired JWT': api.forge({ claims: { exp: api.nowSeconds() - 3_600 } }),
        'a JWE in a JWE': await encryptFor(api, api.forge()),
        'an opaque token': 'opaque-token',
        nothing: '',
      }
      return mapValues(contents, (content) => encryptFor(api, content))
    },
    NEEDS,
  ),

  rejects(
    'E2',
    'RFC 7519 §5.2',
    'MUST',
    'The header says that the content is a JWT',
    (api) =>
      mapValues(
        { 'no cty': undefined, 'another cty': 'json', 'a cty that is a list': ['JWT'] },
        (cty) => encryptFor(api, api.forge(), { cty }),
      ),
    NEEDS,
  ),

  rejects(
    'E3',
    'RFC 8725 §3.2',
    'MUST',
    'An algorithm that the API did not choose is rejected',
    async (api) => {
      const token = await encryptFor(api, api.forge())
      const publicKey = publicBytes(api.options.encryptionKey)
      return {
        RSA1_5: withHeader(token, { alg: 'RSA1_5' }),
        'PBES2 with a high count': withHeader(token, {
          alg: 'PBES2-HS256+A128KW',
          p2c: 2 ** 30,
          p2s: 'AAAAAAAAAAA',
        }),
        'alg "none"': withHeader(token, { alg: 'none' }),
        'an unknown enc': withHeader(token, { enc: 'A512GCM' }),
        'dir with a hash of the public key': await encrypt(api.forge(), publicKey, {
          alg: 'dir',
          kid: api.options.encryptionKey.privateJwk.kid,
        }),
      }
    },
    NEEDS,
  ),

  rejects(
    'E3',
    'RFC 8725 §3.6',
    'ours',
    'Compression and critical extensions are rejected',
    async (api) => {
      const { publicKey } = api.options.encryptionKey
      const compressed = (text: string) =>
        encryptCompressed(text, publicKey, { kid: PARAMETERS.kid })
      const extension = { crit: ['x-ours'], 'x-ours': true }
      return {
        'a compressed token': compressed(api.forge()),
        'four million compressed characters': compressed('a'.repeat(4_000_000)),
        'an unknown crit': await encrypt(
          api.forge(),
          publicKey,
          { ...PARAMETERS, ...extension },
          { 'x-ours': true },
        ),
      }
    },
    NEEDS,
  ),

  rule(
    'E3',
    'RFC 7516 §11.5',
    'MUST',
    'All failed decryptions have the same response',
    NEEDS,
    async ({ api }) => {
      const token = await encryptFor(api, api.forge())
      const others = await encryptionKey('ECDH-ES', 'suite-decryption')
      const responses = new Set<string>()
      for (const [what, changed] of Object.entries({
        'another recipient': await encrypt(api.forge(), others.publicKey, PARAMETERS),
        'a foreign epk': withHeader(token, { epk: publicJwk(others) }),
        'an epk off the curve': withHeader(token, {
          epk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' },
        }),
        'a changed ciphertext': withPart(token, 3, flipped),
        'a changed IV': withPart(token, 2, flipped),
        'a changed tag': withPart(token, 4, flipped),
        'a truncated tag': withPart(token, 4, (tag) => tag.slice(0, 8)),
        'an unexpected encrypted key': withPart(token, 1, () => 'AAAA'),
      })) {
        const response = await api.present(changed)
        expectRejected(response, what)
        const challenges = response.headers['www-authenticate'] ?? []
        responses.add(`${describe(response)} ${challenges} ${response.body}`)
      }
      expectThat(responses.size === 1, 'one response', `${responses.size} different ones`)
    },
  ),
]

const PARAMETERS = { alg: 'ECDH-ES', kid: 'suite-decryption' }

function encryptFor(api: Api, content: string, header: object = {}): Promise<string> {
  return encrypt(content, api.options.encryptionKey.publicKey, { ...PARAMETERS, ...header })
}

async function mapValues<Value>(
  values: Readonly<Record<string, Value>>,
  map: (value: Value) => Promise<string>,
): Promise<Record<string, string>> {
  const entries = Object.entries(values).map(
    async ([name, value]) => [name, await map(value)] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

function withHeader(token: string, changes: object): string {
  return withPart(token, 0, (part) => {
    const header = JSON.parse(Buffer.from(part, 'base64url').toString())
    return base64url({ ...header, ...changes })
  })
}

function withPart(token: string, at: number, change: (part: string) => string): string {
  return token
    .split('.')
    .map((part, i) => (i === at ? change(part) : part))
    .join('.')
}

function flipped(part: string): string {
  return (part.startsWith('A') ? 'B' : 'A') + part.slice(1)
}

function publicJwk({ privateJwk: { d: _, ...jwk } }: EncryptionKey): object {
  return jwk
}

function publicBytes({ privateKey }: EncryptionKey): Buffer {
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return createHash('sha256').update(publicKey).digest()
}
