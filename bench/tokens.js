/** Many RS256 access tokens of about 900 characters, all different. */
import { generateKeyPairSync, sign } from 'node:crypto'

export const issuer = 'https://issuer.example/oauth2/default'
export const audience = 'api://default'

export function mint(count) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = publicKey.export({ format: 'jwk' })
  const header = encode({ alg: 'RS256', kid: 'bench', typ: 'at+jwt' })
  const now = Math.floor(Date.now() / 1000)
  const tokens = Array.from({ length: count }, (_, i) => {
    const claims = {
      iss: issuer,
      aud: audience,
      sub: `user-${i}`,
      client_id: 'bench-client',
      iat: now,
      exp: now + 3600,
      jti: `token-${i}`,
      scope: 'openid profile orders:read orders:write',
      filler: 'x'.repeat(140),
    }
    const input = `${header}.${encode(claims)}`
    return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
  })
  return { issuer, audience, jwks: { keys: [{ ...jwk, kid: 'bench', alg: 'RS256' }] }, tokens }
}

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
