/** Computes the names under which revocations are stored, and looked up for a token. */
import { hash } from 'node:crypto'
import type { AccessToken } from '../access-token/access-token.js'
import { ownMember } from '../base/plain-object.js'
import { DIGEST_WORDS } from './revocation-table.js'

/** The identifiers by which tokens can be revoked. */
export const REVOCABLE_KINDS = ['jti', 'sub', 'sid', 'clientId'] as const

export type RevocableKind = (typeof REVOCABLE_KINDS)[number]

/** A set of kinds of names: bits, one for each kind without an issuer and one with it. */
export type NameKinds = number

export const NO_NAMES: NameKinds = 0
export const ALL_NAMES: NameKinds = 2 ** (2 * REVOCABLE_KINDS.length) - 1

/** Returns the set of one kind. */
export function nameKind(kind: RevocableKind, hasIssuer: boolean): NameKinds {
  return 1 << (2 * REVOCABLE_KINDS.indexOf(kind) + Number(hasIssuer))
}

/**
 * Returns the name of a revocation: a SHA-256 in base64url, so that a store does not contain the
 * identifiers of tokens and subjects. An attacker who reads the store can test a guessed identifier.
 * Without `issuer`, the revocation covers tokens of every issuer.
 */
export function nameOf(kind: RevocableKind, value: string, issuer: string | undefined): string {
  return hash('sha256', textOf(kind, value, issuer), 'base64url')
}

/** Whether the text has the form of a name. */
export function isName(text: unknown): text is string {
  return typeof text === 'string' && /^[\w-]{43}$/.test(text)
}

const digest = new Uint32Array(DIGEST_WORDS)
const digestBytes = Buffer.from(digest.buffer)

/** Converts a name to its digest, which is valid until the next call. */
export function digestOf(name: string): Uint32Array {
  digestBytes.write(name, 'base64url')
  return digest
}

/** Converts a digest to its name. */
export function nameOfDigest({ buffer, byteOffset, byteLength }: Uint32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64url')
}

/** Returns the digests of the names, of these kinds, of all revocations that may cover the token. */
export function digestsFor(token: AccessToken, kinds: NameKinds): Uint32Array {
  const { claims, clientId, issuer, sessionId, idTokenSubject } = token
  const texts: string[] = []
  const add = (kind: RevocableKind, value: unknown) => {
    if (typeof value !== 'string') return
    if (kinds & nameKind(kind, false)) texts.push(textOf(kind, value, undefined))
    if (kinds & nameKind(kind, true)) texts.push(textOf(kind, value, issuer))
  }
  add('jti', ownMember(claims, 'jti'))
  add('sub', ownMember(claims, 'sub'))
  // Logout tokens name the user as ID tokens do.
  add('sub', idTokenSubject)
  add('sid', sessionId)
  add('clientId', clientId)
  const digests = new Uint32Array(texts.length * DIGEST_WORDS)
  const bytes = Buffer.from(digests.buffer)
  texts.forEach((text, i) => {
    bytes.set(hash('sha256', text, 'buffer'), i * DIGEST_WORDS * Uint32Array.BYTES_PER_ELEMENT)
  })
  return digests
}

/** Texts are unambiguous: those of different kinds, or with and without issuer, never collide. */
function textOf(kind: RevocableKind, value: string, issuer = ''): string {
  return JSON.stringify(['fastify-resource-server revocation', kind, issuer, value])
}
