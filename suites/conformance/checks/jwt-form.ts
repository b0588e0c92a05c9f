/** J9 to J11: the encoding of a token (RFC 7515 §2, §4; RFC 7519 §4). */
import { goodHeader, signed } from '../../../test/fixtures/forgery.js'
import { base64url } from '../../../test/fixtures/issuer.js'
import type { Check } from '../check.js'
import { rejects } from './variants.js'

export const jwtForm: readonly Check[] = [
  rejects(
    'J9',
    'RFC 7515 §2',
    'MUST',
    'Base64url has neither padding nor other characters',
    (api) => {
      const token = api.forge()
      const [header, claims, signature] = token.split('.') as [string, string, string]
      return {
        'padding after the signature': `${token}==`,
        'padding after the header': `${header}=.${claims}.${signature}`,
        'padding after the claims': `${header}.${claims}=.${signature}`,
        'a + in the signature': `${header}.${claims}.+${signature.slice(1)}`,
        'a tilde in the signature': `${token.slice(0, -9)}~${token.slice(-9)}`,
        'padding that is signed': paddedToken(api),
      }
    },
  ),

  rejects(
    'J9',
    'RFC 4648 §3.5',
    'ours',
    'A token has one encoding: no stray bits at its end',
    (api) => {
      // In the base64url of 64 or 256 bytes, the last character has four unused bits.
      const token = api.forge()
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      const last = alphabet.indexOf(token.at(-1) as string)
      return { 'stray bits in the signature': token.slice(0, -1) + alphabet[last | 0b0101] }
    },
  ),

  rejects('J10', 'RFC 7515 §4.1.11', 'MUST', 'An unknown crit is rejected', () => ({
    'an unknown extension': { header: { crit: ['x-ours'], 'x-ours': true } },
    'an absent extension': { header: { crit: ['x-ours'] } },
    'an empty list': { header: { crit: [] } },
    'not a list': { header: { crit: 'exp' } },
    'a registered parameter': { header: { crit: ['alg'] } },
  })),

  rejects('J10', 'RFC 7797 §7', 'MUST', 'An unencoded payload is rejected', (api) => ({
    'b64 false': { header: { b64: false, crit: ['b64'] } },
    'b64 false, unencoded': unencodedToken(api),
  })),

  rejects('J10', 'RFC 7797 §6', 'ours', 'A b64 that is not in crit is rejected', () => ({
    'b64 false without crit': { header: { b64: false } },
  })),

  rejects('J11', 'RFC 7515 §4', 'ours', 'A header with a duplicate member is rejected', (api) => {
    const header = JSON.stringify(goodHeader(api.key))
    return {
      'alg twice': { header: header.replace('{', '{"alg":"none",') },
      'alg twice, escaped': { header: header.replace('{', '{"\\u0061lg":"none",') },
      'kid twice': { header: header.replace('{', '{"kid":"other",') },
    }
  }),

  rejects('J11', 'RFC 7519 §4', 'ours', 'Claims with a duplicate member are rejected', (api) => {
    const claims = JSON.stringify(api.claims())
    return {
      'iss twice': { claims: claims.replace('{', '{"iss":"https://other.example",') },
      'sub twice': { claims: claims.replace('{', '{"sub":"admin",') },
      'sub twice, escaped': { claims: claims.replace('{', '{"s\\u0075b":"admin",') },
    }
  }),
]

type Forging = Parameters<Parameters<typeof rejects>[4]>[0]

function paddedToken(api: Forging): string {
  const { rs256 } = api.options.keys
  const texts = [goodHeader(rs256), api.claims()].map((part) => JSON.stringify(part))
  // A blank is added where the length would need no padding.
  const padded = texts.map((text) => {
    const needing = Buffer.byteLength(text) % 3 === 0 ? text.replace('{', '{ ') : text
    return Buffer.from(needing).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
  })
  return signed(rs256, padded.join('.'))
}

function unencodedToken(api: Forging): string {
  const { rs256 } = api.options.keys
  const header = base64url({ ...goodHeader(rs256), b64: false, crit: ['b64'] })
  return signed(rs256, `${header}.${'payload'}`)
}
