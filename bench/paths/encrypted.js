/** A known encrypted token (RFC 7516). */
import { encrypt, encryptionKey } from '../encrypted-tokens/keys.js'
import { repeat } from './requests.js'

const TOKENS = 100

export const servers = {
  async decrypting({ app, load, issuer, audience, fixture }) {
    const { default: resourceServer } = await load('index.js')
    const decryption = { keys: [fixture.privateJwk] }
    await app.register(resourceServer, { issuer, audience, decryption })
  },

  async bearer({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer, audience })
  },
}

export async function prepare({ issue }) {
  const issuance = issue()
  const key = encryptionKey('ECDH-ES', 'P-256', 'ec', { namedCurve: 'P-256' })
  const plain = issuance.tokens(TOKENS)
  const encrypted = await Promise.all(plain.map((token) => encrypt(token, key)))
  return { fixture: { plain, encrypted, privateJwk: key.jwk }, issuer: issuance.issuer }
}

export const requests = {
  encrypted: ({ fixture, ...range }) =>
    repeat(fixture.encrypted, range).map((token) => ({
      headers: `Authorization: Bearer ${token}\r\n`,
    })),
  /** As long as the requests with encrypted tokens, so that parsing HTTP costs the same. */
  plain: ({ fixture: { plain, encrypted }, ...range }) =>
    repeat(plain, range).map((token) => ({
      headers: `Authorization: Bearer ${token}\r\nX: ${'x'.repeat(encrypted[0].length - token.length - 5)}\r\n`,
    })),
}
