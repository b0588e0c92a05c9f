import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Confirmation } from '../../../access-token/confirmation.js'
import { scopeValues } from '../../scope-values.js'
import type { ServerSettings } from '../options.js'
import { defaultScope } from './granted-scope.js'
import {
  type ClaimOverrides,
  type IssueTokenOptions,
  requireIssueTokenOptions,
} from './issue-token-options.js'
import type { IssuedTokens } from './issued-tokens.js'
import { opaqueToken } from './opaque-token.js'
import type { SignedToken, SigningKeys } from './signing-keys.js'
import type { TestUser } from './test-accounts.js'
import { accessTokenClaims, type IssuedAccessToken, idTokenClaims } from './token-claims.js'
import { confirmationClaim } from './token-confirmation.js'
import { type EncryptToken, tokenEncryptionOf } from './token-encryption.js'
import type { TokenContext, TokenProfile, TokenSubject, UserSubject } from './token-profile.js'
import { TOKEN_PROFILES } from './token-profiles.js'

export interface TokenSources {
  readonly keys: SigningKeys
  readonly issued: IssuedTokens
  /** Encrypts access tokens; `undefined` without the option `encryption`. */
  readonly encrypt: EncryptToken | undefined
}

/** Issues the tokens of grants, and those of `issueToken` and `issueIdToken`. */
export class TokenIssuer {
  readonly #issuer: string
  readonly #settings: ServerSettings
  readonly #profile: TokenProfile
  readonly #keys: SigningKeys
  readonly #issued: IssuedTokens
  readonly #encrypt: EncryptToken | undefined

  constructor(issuer: string, settings: ServerSettings, sources: TokenSources) {
    this.#issuer = issuer
    this.#settings = settings
    this.#profile = TOKEN_PROFILES[settings.profile]
    this.#keys = sources.keys
    this.#issued = sources.issued
    this.#encrypt = sources.encrypt
  }

  /** Issues an access token. A given confirmation becomes the claim `cnf`. */
  async accessToken(
    subject: TokenSubject,
    confirmation?: Confirmation,
  ): Promise<IssuedAccessToken> {
    const { algorithm } = this.#keys
    const defaults = accessTokenClaims(this.#profile, subject, this.#context())
    const claims = { ...defaults, ...(confirmation && { cnf: confirmation }) }
    return { token: await this.#issue(subject, claims, { algorithm }), algorithm }
  }

  /** Issues an ID token. Returns `undefined` if there is no user, or `openid` was not granted. */
  async idToken(
    { user, ...rest }: TokenSubject,
    accessToken: IssuedAccessToken,
  ): Promise<string | undefined> {
    if (user === undefined || !rest.scope.includes('openid')) return undefined
    const subject: UserSubject = { ...rest, user }
    return this.#signIdToken(idTokenClaims(this.#profile, subject, this.#context(), accessToken))
  }

  /**
   * Implements `AuthorizationServer.issueToken`: issues an access token for the first client, and
   * for the first user unless `subject` is `'client'` or there is no user.
   */
  async customAccessToken(claims: ClaimOverrides, options: IssueTokenOptions): Promise<string> {
    requireIssueTokenOptions(options, this.#settings)
    const subject = this.#requestedSubject(options)
    const { confirmation, expiresIn } = options
    const defaults = accessTokenClaims(this.#profile, subject, this.#context(expiresIn))
    const confirmed = confirmation !== undefined && { cnf: await confirmationClaim(confirmation) }
    return this.#issue(subject, { ...defaults, ...confirmed, ...claims }, options)
  }

  /**
   * Implements `AuthorizationServer.issueIdToken`: issues an ID token for the first client and
   * user.
   *
   * @throws {TypeError} if the server has no user.
   */
  async customIdToken(claims: ClaimOverrides): Promise<string> {
    const { user, ...rest } = this.#firstSubject(this.#settings.users[0])
    if (user === undefined)
      throw new TypeError('issueIdToken requires a user, but "users" is empty: add one')
    const defaults = idTokenClaims(this.#profile, { ...rest, user }, this.#context())
    return this.#signIdToken({ ...defaults, ...claims })
  }

  #requestedSubject({ subject, scope }: IssueTokenOptions): TokenSubject {
    const [first] = this.#settings.users
    const requested = this.#firstSubject(subject === 'client' ? undefined : first)
    return scope === undefined ? requested : { ...requested, scope: scopeValues('scope', scope) }
  }

  #firstSubject(user: TestUser | undefined): TokenSubject {
    const [client] = this.#settings.clients
    const scope = defaultScope(this.#settings, client, user)
    return { client, user, scope, authTime: this.#seconds(), session: randomUUID() }
  }

  #context(lifetime = this.#settings.accessTokenLifetime): TokenContext {
    const { audience, audienceOption } = this.#settings
    return {
      issuer: this.#issuer,
      audience: typeof audience === 'string' ? audience : [...audience],
      audienceOption,
      issuedAt: this.#seconds(),
      lifetime,
    }
  }

  #seconds(): number {
    return Math.floor(this.#settings.now() / 1000)
  }

  async #issue(
    subject: TokenSubject,
    claims: JWTPayload,
    { format = this.#settings.accessTokenFormat, ...options }: IssueTokenOptions,
  ): Promise<string> {
    const { token, kid } =
      format === 'opaque'
        ? { token: opaqueToken(), kid: undefined }
        : await this.#signAccessToken(claims, options)
    const { client, user, session } = subject
    const isAboutSubject = claims.sub === this.#profile.subject(subject)
    this.#issued.add(token, {
      claims,
      clientId: clientIdIn(claims) ?? client.clientId,
      username: isAboutSubject ? user?.username : undefined,
      session,
      kid,
    })
    return token
  }

  /** Returns the signed token, encrypted if the server or this token is configured so. */
  async #signAccessToken(
    claims: JWTPayload,
    { header, algorithm, encryption }: IssueTokenOptions,
  ): Promise<SignedToken> {
    const encrypt = encryption ? await tokenEncryptionOf(encryption) : this.#encrypt
    const { accessTokenType: typ } = this.#profile
    const { token, kid } = await this.#keys.sign(claims, { typ, ...header }, algorithm)
    const isEncrypted = encrypt !== undefined && encryption !== false
    return { token: isEncrypted ? await encrypt(token) : token, kid }
  }

  async #signIdToken(claims: JWTPayload): Promise<string> {
    const { token } = await this.#keys.sign(claims, { typ: this.#profile.idTokenType })
    return token
  }
}

/**
 * Returns the client id from the claims. The name of its claim depends on the profile. Returns
 * `undefined` if the claim is absent or not a string.
 */
function clientIdIn({ client_id, cid, azp, appid }: JWTPayload): string | undefined {
  const named = client_id ?? cid ?? azp ?? appid
  return typeof named === 'string' ? named : undefined
}
