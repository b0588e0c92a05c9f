/**
 * Gets the tokens of the page: by the password grant, as any client does, or directly from the
 * embedded authorization server, for example an expired token. The client's secret and the key of
 * DPoP-bound tokens stay on the page's server; the browser has only the token, and requests a proof
 * for each request.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  type AuthorizationServer,
  dpopProof,
  generateDPoPKey,
  passwordGrant,
  testClient,
} from 'fastify-resource-server/testing'

export type TokenType = 'Bearer' | 'DPoP'

export interface Credentials {
  readonly username: string
  readonly password: string
  readonly scope: string
  readonly type: TokenType
}

/** The tokens that the embedded authorization server issues without a login. */
export const TOKEN_VARIANTS = [
  'valid',
  'expired',
  'encrypted',
  'encrypted-for-another-api',
] as const
export type TokenVariant = (typeof TOKEN_VARIANTS)[number]

const { publicKey: keyOfAnotherApi } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

export class Tokens {
  readonly #authorizationServer: AuthorizationServer
  readonly #encryptionKeys: Partial<Record<TokenVariant, KeyObject>>
  readonly #key = generateDPoPKey()

  /** @param encryptionKey the public key of the API. */
  constructor(authorizationServer: AuthorizationServer, encryptionKey: KeyObject) {
    this.#authorizationServer = authorizationServer
    this.#encryptionKeys = {
      encrypted: encryptionKey,
      'encrypted-for-another-api': keyOfAnotherApi,
    }
  }

  /** @throws {PasswordGrantError} if no token is issued; its hint names the fix. */
  async logIn({ username, password, scope, type }: Credentials): Promise<string> {
    const { access_token: token } = await passwordGrant({
      issuer: this.#authorizationServer.issuer,
      ...testClient,
      username,
      password,
      scope,
      ...(type === 'DPoP' && { dpop: await this.#key }),
    })
    return token
  }

  /** Issues a token without a request, so it works while the authorization server is down. */
  async issue(variant: TokenVariant, scope: string, type: TokenType): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const key = this.#encryptionKeys[variant]
    const claims = variant === 'expired' ? { iat: now - 7200, exp: now - 3600 } : {}
    return this.#authorizationServer.issueToken(claims, {
      scope,
      ...(key && { encryption: { key } }),
      ...(type === 'DPoP' && { confirmation: { key: await this.#key } }),
    })
  }

  /** Creates a proof for one request, with the nonce if there is one. */
  async prove(url: string, accessToken: string, nonce: string | undefined): Promise<string> {
    return dpopProof({ key: await this.#key, url, accessToken, nonce })
  }
}
