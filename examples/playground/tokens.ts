/**
 * Where the page's tokens come from: by the password grant, as a client gets one, and right from
 * the embedded server where it must be one that no server would give. The client's secret and the
 * key that DPoP tokens are bound to are here, on the page's server; the browser has the token alone,
 * and asks for a proof for each request.
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

  /** @throws {PasswordGrantError} that says what to do. */
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

  /** Without a request, and so also while the authorization server is down. */
  async issue(flaw: Flaw, scope: string, type: TokenType): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const claims = flaw === 'expired' ? { iat: now - 7200, exp: now - 3600 } : {}
    return this.#authorizationServer.issueToken(claims, {
      scope,
      ...(type === 'DPoP' && { confirmation: { key: await this.#key } }),
    })
  }

  /** For one request, with the nonce that the API asked for, if it did. */
  async prove(url: string, accessToken: string, nonce: string | undefined): Promise<string> {
    return dpopProof({ key: await this.#key, url, accessToken, nonce })
  }
}
