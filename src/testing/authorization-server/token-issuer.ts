import type { JWTPayload } from 'jose'
import { type Scope, scopeValues } from '../scope-values.js'
import { defaultScope } from './granted-scope.js'
import type { ServerSettings } from './options.js'
import type { HeaderOverrides, SigningAlgorithm, SigningKeys } from './signing-keys.js'
import {
  accessTokenClaims,
  type IssuedAccessToken,
  idTokenClaims,
  scopeClaim,
  type TokenContext,
  type TokenSubject,
} from './token-claims.js'

/** Claims to set instead of the usual ones; `undefined` removes one. */
export type ClaimOverrides = { readonly [name: string]: unknown }

/** How a token made by `AuthorizationServer.issueToken` differs from the usual one. */
export interface IssueTokenOptions {
  /** The scope, written as the profile writes it. Default: all but OpenID Connect's. */
  scope?: Scope | undefined
  /** Seconds from `iat` to `exp`; 0 and below make a token that is expired. Default: the server's. */
  expiresIn?: number | undefined
  /** Members of the JWS header to replace, or with `undefined` to remove. */
  header?: HeaderOverrides | undefined
  /** Signs with a key of this algorithm, made and published where there is none. */
  algorithm?: SigningAlgorithm | undefined
}

/** Makes and signs the tokens, for grants and for the test that asks for one directly. */
export class TokenIssuer {
  readonly #issuer: string
  readonly #settings: ServerSettings
  readonly #keys: SigningKeys

  constructor(issuer: string, settings: ServerSettings, keys: SigningKeys) {
    this.#issuer = issuer
    this.#settings = settings
    this.#keys = keys
  }

  async accessToken(subject: TokenSubject): Promise<IssuedAccessToken> {
    const { algorithm } = this.#keys
    const claims = accessTokenClaims(subject, this.#context())
    return { token: await this.#signAccessToken(claims, {}, algorithm), algorithm }
  }

  /** `undefined` where there is no user, or `openid` was not granted. */
  async idToken(
    { user, ...rest }: TokenSubject,
    accessToken: IssuedAccessToken,
  ): Promise<string | undefined> {
    if (user === undefined || !rest.scope.includes('openid')) return undefined
    return this.#signIdToken(idTokenClaims({ ...rest, user }, this.#context(), accessToken))
  }

  async customAccessToken(claims: ClaimOverrides, options: IssueTokenOptions): Promise<string> {
    const { scope, expiresIn, header = {}, algorithm } = options
    const usual = accessTokenClaims(this.#firstSubject(), this.#context(expiresIn))
    const asked =
      scope === undefined ? {} : scopeClaim(this.#settings.profile, scopeValues('scope', scope))
    return this.#signAccessToken({ ...usual, ...asked, ...claims }, header, algorithm)
  }

  async customIdToken(claims: ClaimOverrides): Promise<string> {
    const { user, ...rest } = this.#firstSubject()
    if (user === undefined) throw new TypeError('issueIdToken needs a user: "users" is empty')
    return this.#signIdToken({ ...idTokenClaims({ ...rest, user }, this.#context()), ...claims })
  }

  #firstSubject(): TokenSubject {
    const [client] = this.#settings.clients
    const [user] = this.#settings.users
    const scope = defaultScope(this.#settings, client, user)
    return { client, user, scope, authTime: this.#seconds() }
  }

  #context(lifetime = this.#settings.accessTokenLifetime): TokenContext {
    return {
      issuer: this.#issuer,
      settings: this.#settings,
      issuedAt: this.#seconds(),
      lifetime,
    }
  }

  #seconds(): number {
    return Math.floor(this.#settings.now() / 1000)
  }

  #signAccessToken(claims: JWTPayload, header: HeaderOverrides, algorithm?: SigningAlgorithm) {
    const typ = this.#settings.profile === 'okta' ? undefined : 'at+jwt'
    return this.#keys.sign(claims, { typ, ...header }, algorithm)
  }

  #signIdToken(claims: JWTPayload): Promise<string> {
    const typ = this.#settings.profile === 'okta' ? undefined : 'JWT'
    return this.#keys.sign(claims, { typ })
  }
}
