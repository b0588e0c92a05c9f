/** Creates the encrypted token of a case. Encrypts here, because jose writes only valid headers. */
import { createCipheriv, createHmac } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { forge, goodClaims } from '../../../test/fixtures/forgery.js'
import { base64url } from '../../../test/fixtures/issuer.js'
import { membersOf } from '../../differential/fixtures/json-text.js'
import type { EncryptedTokenCase } from '../arbitraries/encrypted-tokens.js'
import type { Recipe } from './encryption-recipes.js'
import { secretBytes } from './fixed-keys.js'
import { apply, changed, type Signers, tokenText } from './token-text.js'

export interface EncryptedToken {
  readonly raw: string
  /** The JWT in the token before changes of segments. */
  readonly jwt: string
}

export function encryptedTokenText(
  testCase: EncryptedTokenCase,
  recipe: Recipe,
  signers: Signers,
): EncryptedToken {
  const jwt = innerToken(testCase.inner, signers)
  const header = changed(membersOf(recipe.header), testCase.header)
  const parts = apply(encryptTo(recipe, header, contentOf(testCase, jwt, recipe)), testCase.changes)
  const other = encryptTo(recipe, JSON.stringify(recipe.header), Buffer.from(forge(signers.signer)))
  const all = [...parts, ...other]
  return { raw: testCase.order.map((index) => all[index] ?? '').join('.'), jwt }
}

function innerToken(inner: EncryptedTokenCase['inner'], signers: Signers): string {
  if (inner === 'valid') return forge(signers.signer)
  if (inner === 'other') return forge(signers.signer, { claims: { sub: 'user-2', jti: 'other' } })
  return tokenText(inner, signers)
}

function contentOf({ content }: EncryptedTokenCase, jwt: string, recipe: Recipe): Buffer {
  const text = Buffer.from(jwt)
  if (content === 'compressed') return deflateRawSync(text)
  if (content === 'claims') return Buffer.from(JSON.stringify(goodClaims()))
  if (content === 'jwt') return text
  return Buffer.from(encryptTo(recipe, JSON.stringify(recipe.header), text).join('.'))
}

/** Returns the five segments. */
function encryptTo({ cek, encryptedKey }: Recipe, header: string, content: Buffer) {
  const aad = Buffer.from(base64url(header))
  const sealed = cek.length === 32 ? sealGcm(cek, aad, content) : sealCbc(cek, aad, content)
  return [`${aad}`, encryptedKey, ...sealed.map((bytes) => bytes.toString('base64url'))]
}

type Sealed = readonly [iv: Buffer, ciphertext: Buffer, tag: Buffer]

/** The initialization vector depends on the content, so that equal cases have equal bytes. */
function ivOf(content: Buffer, length: number): Buffer {
  return secretBytes(content.toString('latin1')).subarray(0, length)
}

function sealGcm(cek: Buffer, aad: Buffer, content: Buffer): Sealed {
  const iv = ivOf(content, 12)
  const cipher = createCipheriv('aes-256-gcm', cek, iv)
  cipher.setAAD(aad)
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()])
  return [iv, ciphertext, cipher.getAuthTag()]
}

/** A256CBC-HS512 (RFC 7518 §5.2.5). */
function sealCbc(cek: Buffer, aad: Buffer, content: Buffer): Sealed {
  const iv = ivOf(content, 16)
  const cipher = createCipheriv('aes-256-cbc', cek.subarray(32), iv)
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()])
  const bits = Buffer.alloc(8)
  bits.writeBigUInt64BE(BigInt(aad.length * 8))
  const mac = createHmac('sha512', cek.subarray(0, 32))
    .update(Buffer.concat([aad, iv, ciphertext, bits]))
    .digest()
  return [iv, ciphertext, mac.subarray(0, 32)]
}
