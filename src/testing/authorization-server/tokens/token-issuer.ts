import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Confirmation } from '../../../access-token/confirmation.js'
import { scopeValues } from '../../scope-values.js'
import type { ServerSettings } from '../options.js'
import { type Sessions, sessionOf } from '../sessions/sessions.js'
import { defaultScope } from './granted-scope.js'
import {
  type ClaimOverrides,
  type IssueTokenOptions,
  requireIssueTokenOptions,
} from './issue-token-options.js'
import type { IssuedTokens } from './issued-tokens.js'
import { opaqueToken } from './opaque-token.js'
import type { SignedToken, SigningKeys } from './signing-keys.js'
import type { TestClient, TestUser } from './test-accounts.js'
import {
  accessTokenClaims,
  type IssuedAccessToken,
  idTokenClaims,
  userInfoClaims,
} from './token-claims.js'
import { confirmationClaim } from './token-confirmation.js'
import { type EncryptToken, tokenEncryptionOf } from './token-encryption.js'
import type { TokenContext, TokenProfile, TokenSubject, UserSubject } from './token-profile.js'
import { TOKEN_PROFILES } from './token-profiles.js'

export interface TokenSources {
  readonly keys: SigningKeys
  readonly issued: IssuedTokens
  readonly sessions: Sessions
  /** Encrypts access tokens; `undefined` without the option `encryption`. */
  readonly encrypt: EncryptToken | undefined
}

/** The claims that ID tokens and logout tokens of a session share. */
export interface Identity {
  sub: string | undefined
  sid: unknown
}

/** Issues the tokens of grants, and those of `issueToken` and `issueIdToken`. */
export class TokenIssuer {
  readonly #issuer: string
  readonly #settings: ServerSettings
  readonly #profile: TokenProfile
  readonly #keys: SigningKeys
  readonly #issued: IssuedTokens
  readonly #sessions: Sessions
  readonly #encrypt: EncryptToken | undefined

  constructor(issuer: string, settings: ServerSettings, sources: TokenSources) {
    this.#issuer = issuer
    this.#settings = settings
    this.#profile = TOKEN_PROFILES[settings.profile]
    this.#keys = sources.keys
    this.#issued = sources.issued
    this.#sessions = sources.sessions
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

  /** Returns the claims of a UserInfo response for an access token of the subject. */
  userInfo(subject: UserSubject): JWTPayload {
    return userInfoClaims(this.#profile, subject, this.#context())
  }

  /**
   * Implements `AuthorizationServer.issueToken`: issues an access token for the first client, and
   * for the first user unless `subject` is `'client'` or there is no user.
   */
  async customAccessToken(claims: ClaimOverrides, options: IssueTokenOptions): Promise<string> {
    requireIssueTokenOptions(options, this.#settings)
    const subject = this.#requestedSubject(options, claims)
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
    const { user, ...rest } = this.#firstSubject(this.#settings.users[0], claims)
    if (user === undefined)
      throw new TypeError('issueIdToken requires a user, but "users" is empty: add one')
    const defaults = idTokenClaims(this.#profile, { ...rest, user }, this.#context())
    const all = { ...defaults, ...claims }
    this.#sessions.record(sessionOf({ ...rest, user }, all, defaults.sub))
    return this.#signIdToken(all)
  }

  /**
   * Returns `sub` and `sid` of the ID tokens of a user, which logout tokens have as well. `sid` is
   * `undefined` without a session, or if ID tokens of the profile have none.
   */
  identity(client: TestClient, user: TestUser, session: string | undefined): Identity {
    const subject = { client, user, scope: [], authTime: 0, session: session ?? '' }
    const { sub, sid } = idTokenClaims(this.#profile, subject, this.#context())
    return { sub, sid: session === undefined ? undefined : sid }
  }

  #requestedSubject({ subject, scope }: IssueTokenOptions, claims: ClaimOverrides): TokenSubject {
    const [first] = this.#settings.users
    const requested = this.#firstSubject(subject === 'client' ? undefined : first, claims)
    return scope === undefined ? requested : { ...requested, scope: scopeValues('scope', scope) }
  }

  #firstSubject(user: TestUser | undefined, { sid }: ClaimOverrides): TokenSubject {
    const [client] = this.#settings.clients
    const scope = defaultScope(this.#settings, client, user)
    const session = typeof sid === 'string' ? sid : randomUUID()
    return { client, user, scope, authTime: this.#seconds(), session }
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
    const session = sessionOf(subject, claims, this.#profile.subject(subject))
    if (subject.user !== undefined || claims.sid === session.id) this.#sessions.record(session)
    const { token, kid } =
      format === 'opaque'
        ? { token: opaqueToken(), kid: undefined }
        : await this.#signAccessToken(claims, options)
    // The session may have ended while the token was signed.
    if (this.#sessions.isOver(session)) return token
    this.#issued.add(token, {
      claims,
      clientId: clientIdIn(claims) ?? subject.client.clientId,
      username: session.user?.username,
      subject,
      session: session.id,
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
