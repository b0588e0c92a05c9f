/**
 * Forged tokens of 8 KB whose claims an attacker made costly to parse, in process: `verify()` until
 * it rejects the signature, and `JSON.parse` of the same claims. Each token has new claims, because
 * V8 parses names and shapes that it knows faster.
 */
import { randomBytes } from 'node:crypto'
import { HOSTILE_JSON } from '../../test/fixtures/hostile-json.js'
import { generateKey } from '../jwt.js'

/** Characters of JSON; encoded, with header and signature, 8,192. */
const LENGTH = 5_840

export const servers = {
  async verify({ load }) {
    const { createResourceServer } = await load('index.js')
    const { jwk } = generateKey('RS256')
    const issuer = 'https://issuer.example'
    const server = await createResourceServer({ issuer, audience: 'api', jwks: { keys: [jwk] } })
    const header = encoded(JSON.stringify({ alg: 'RS256', kid: jwk.kid, typ: 'at+jwt' }))
    return operations({
      make: (claims) => `${header}.${encoded(claims)}.${signature()}`,
      async work(token) {
        const result = await server.verify(token).catch(({ check }) => check)
        if (result !== 'signature') throw new Error(`Expected "signature", got ${result}`)
      },
    })
  },

  'JSON.parse': () =>
    operations({ make: (claims) => claims, work: (claims) => void JSON.parse(claims) }),
}

function operations({ make, work }) {
  const start =
    '{"iss":"https://issuer.example","aud":"api","sub":"s","jti":"j","iat":1,"exp":9999999999'
  return {
    operations: Object.fromEntries(
      Object.entries(HOSTILE_JSON).map(([name, payload]) => [
        name,
        {
          prepare: (count) => Array.from({ length: count }, () => make(payload(start, LENGTH))),
          async run(inputs) {
            for (const input of inputs) await work(input)
          },
        },
      ]),
    ),
  }
}

function signature() {
  const bytes = randomBytes(256)
  // OpenSSL rejects a number above the modulus before the costly arithmetic.
  bytes[0] = 0
  return bytes.toString('base64url')
}

function encoded(text) {
  return Buffer.from(text).toString('base64url')
}
