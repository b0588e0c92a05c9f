/**
 * Issues the page's tokens: by the password grant, as for any client, and directly by the embedded
 * server if no server would issue such a token. The client's secret and the key of DPoP-bound
 * tokens stay on the page's server; the browser has only the token, and requests a proof for each
 * request.
 */
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

export type Flaw = 'none' | 'expired'

export class Tokens {
  readonly #authorizationServer: AuthorizationServer
  readonly #key = generateDPoPKey()

  constructor(authorizationServer: AuthorizationServer) {
    this.#authorizationServer = authorizationServer
  }

  /** @throws {PasswordGrantError} with a hint that names the fix. */
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
  async issue(flaw: Flaw, scope: string, type: TokenType): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const claims = flaw === 'expired' ? { iat: now - 7200, exp: now - 3600 } : {}
    return this.#authorizationServer.issueToken(claims, {
      scope,
      ...(type === 'DPoP' && { confirmation: { key: await this.#key } }),
    })
  }

  /** Creates a proof for one request, with the nonce if the API requires one. */
  async prove(url: string, accessToken: string, nonce: string | undefined): Promise<string> {
    return dpopProof({ key: await this.#key, url, accessToken, nonce })
  }
}
