import { inspect } from 'node:util'
import { ownMember } from '../base/plain-object.js'
import { sha256 } from '../base/thumbprint.js'
import { type AccessTokenClaims, type TokenTimes, timesOf } from './access-token-claims.js'
import type { Actor } from './actor.js'
import { type AuthorizationDetail, readAuthorizationDetails } from './authorization-details.js'
import type { ClaimReader, SubjectKind } from './claim-reader.js'
import type { Confirmation } from './confirmation.js'
import { fixedSet } from './fixed-set.js'
import type { ScopeHierarchy } from './scope-hierarchy.js'

/** The results of verification from which an {@link AccessToken} is constructed. */
export interface VerifiedToken {
  readonly raw: string
  readonly confirmation?: Confirmation | undefined
  readonly claims: AccessTokenClaims
  readonly reader: ClaimReader
  readonly hierarchy?: ScopeHierarchy | undefined
}

/**
 * A verified access token, with the same members for every issuer. It is immutable, because all
 * requests with the same token share the object.
 */
export class AccessToken {
  /** The verified claims as the issuer sent them, deeply frozen. */
  readonly claims: AccessTokenClaims
  /**
   * `sub`: a user, or the client if no user is involved; `undefined` if absent. Check
   * {@link subjectKind} before you treat the subject as a user. Combine the subject with
   * {@link issuer}, because two issuers may use the same subject.
   */
  readonly subject: string | undefined
  /** The client that the token was issued to; `undefined` if the token does not name it. */
  readonly clientId: string | undefined
  /** `iss`: the identifier of a trusted issuer. */
  readonly issuer: string
  /** `exp`, in seconds since the epoch. */
  readonly expiresAt: number
  /** `iat`, in seconds since the epoch; `undefined` if the token has none. */
  readonly issuedAt: number | undefined
  /**
   * `cnf`: the key or certificate of the client that the token is bound to; `undefined` for a
   * bearer token. The caller has proven possession of the key or certificate. RFC 7800 §3.1.
   */
  readonly confirmation: Confirmation | undefined
  /** The raw token is private, so that neither a logger nor `JSON.stringify` leaks it. */
  #raw: string
  readonly #reader: ClaimReader
  readonly #hierarchy: ScopeHierarchy | undefined
  readonly #times: TokenTimes
  // The members below are computed when they are first read, to keep the constructor cheap.
  #scope: ReadonlySet<string> | undefined
  #audience: readonly string[] | undefined
  #roles: ReadonlySet<string> | undefined
  #groups: ReadonlySet<string> | undefined
  #permissions: ReadonlySet<string> | undefined
  #actorChain: readonly Actor[] | undefined
  #authorizationDetails: readonly AuthorizationDetail[] | undefined
  #hash: string | undefined

  /** @internal */
  constructor({ raw, claims, reader, confirmation, hierarchy }: VerifiedToken) {
    this.#raw = raw
    this.#reader = reader
    this.#hierarchy = hierarchy
    this.#times = timesOf(claims)
    this.claims = claims
    this.subject = ownMember(claims, 'sub')
    this.clientId = reader.clientId(claims)
    this.issuer = claims.iss
    this.expiresAt = claims.exp
    this.issuedAt = this.#times.iat
    this.confirmation = confirmation
    Object.freeze(this)
  }

  /** The token as the caller sent it, for token exchange (RFC 8693). It is secret: never log it. */
  get raw(): string {
    return this.#raw
  }

  /**
   * SHA-256 of the raw token in base64url: `ath` of its DPoP proofs (RFC 9449 §4.2).
   *
   * @internal
   */
  get hash(): string {
    this.#hash ??= sha256(this.#raw)
    return this.#hash
  }

  /** @internal */
  get times(): TokenTimes {
    return this.#times
  }

  /**
   * Replaces the raw token by a flat copy, for callers that retain the token. Without the copy, the
   * token is a slice of a request's header, and would keep the whole header in memory.
   *
   * @param prefix prepended to the copy; the raw token becomes a slice of the copy.
   * @returns the copy, with the prefix.
   * @internal
   */
  detach(prefix = ''): string {
    const copy = Buffer.from(prefix + this.#raw, 'latin1').toString('latin1')
    this.#raw = copy.slice(prefix.length)
    return copy
  }

  /**
   * The scope tokens that the issuer granted (RFC 6749 §3.3), as a set, because their order and
   * repetition have no meaning. The set does not contain implied scope tokens (option
   * `scopeImplies`), which only {@link hasScope} accepts.
   */
  get scope(): ReadonlySet<string> {
    this.#scope ??= fixedSet(this.#reader.scope(this.claims))
    return this.#scope
  }

  /** @internal */
  get scopeHint(): string | undefined {
    return this.scope.size === 0 ? this.#reader.scopeHint?.(this.claims) : undefined
  }

  /** The values of `aud`; empty if the token has none, as with Amazon Cognito. */
  get audience(): readonly string[] {
    const aud = ownMember(this.claims, 'aud') ?? []
    this.#audience ??= Object.freeze(typeof aud === 'string' ? [aud] : [...aud])
    return this.#audience
  }

  /**
   * The kind of {@link subject}: a user, a client (RFC 9700 §4.15) or an anonymous visitor. The
   * identifier of a client may equal the `sub` of a user, and any caller can get a token for an
   * anonymous visitor, so grant access to a user's resources only for `'user'`. The
   * profiles `standard` and `rfc9068` never return `'user'`, because RFC 9068 has no claim that
   * proves it.
   */
  get subjectKind(): SubjectKind {
    return this.#reader.subjectKind(this.claims)
  }

  /**
   * The session of the user at the issuer, as the issuer's profile reads it: the claim `sid`, or a
   * claim of the provider. `undefined` if the token names no session. `revoke({ sid })` revokes all
   * tokens of a session.
   */
  get sessionId(): string | undefined {
    return this.#reader.sessionId(this.claims)
  }

  /**
   * The `sub` that ID tokens and logout tokens of the user have, if it differs from that of access
   * tokens: the claim `uid` of Okta. Otherwise `undefined`. `revoke({ sub })` accepts both.
   */
  get idTokenSubject(): string | undefined {
    return this.#reader.idTokenSubject(this.claims)
  }

  /**
   * The roles of the subject, as the issuer's profile reads them: the claim `roles`, or in Keycloak
   * the realm roles and the roles of the clients in `audience`.
   */
  get roles(): ReadonlySet<string> {
    this.#roles ??= fixedSet(this.#reader.roles(this.claims))
    return this.#roles
  }

  /** The groups of the subject: the claim `groups`, or `cognito:groups` of Amazon Cognito. */
  get groups(): ReadonlySet<string> {
    this.#groups ??= fixedSet(this.#reader.groups(this.claims))
    return this.#groups
  }

  /**
   * The permissions of the subject, as the issuer's profile reads them: the claim `permissions`
   * (Auth0) or `entitlements` (RFC 9068 §2.2.3.1).
   */
  get permissions(): ReadonlySet<string> {
    this.#permissions ??= fixedSet(this.#reader.permissions(this.claims))
    return this.#permissions
  }

  /**
   * The party that uses the token on behalf of {@link subject}: `act` (RFC 8693 §4.1) or, with the
   * profile `entra`, an agent identity. `undefined` if the token names no such party: the subject
   * itself uses the token, or its issuer does not state the actor. Set `config.auth.actor: 'none'`
   * on routes where no party may act for a user.
   */
  get actor(): Actor | undefined {
    return this.actorChain[0]
  }

  /**
   * The current actor, followed by earlier actors; empty if the token names no actor. Use earlier
   * actors only for logs, because access depends on the current actor only (RFC 8693 §4.1).
   */
  get actorChain(): readonly Actor[] {
    this.#actorChain ??= Object.freeze(this.#reader.actors(this.claims))
    return this.#actorChain
  }

  /**
   * Returns the elements of `authorization_details` that have the given type, in the order of the
   * token; an empty array if there are none. Leaves out elements whose common members have the
   * wrong JSON type. Checks nothing else: the `locations` of an element may be those of another
   * API. RFC 9396 §9.
   *
   * @typeParam Members the members that the type defines, which are not checked at run time.
   */
  authorizationDetails<Members extends object = Readonly<Record<string, unknown>>>(
    type: string,
  ): readonly AuthorizationDetail<Members>[] {
    this.#authorizationDetails ??= readAuthorizationDetails(
      ownMember(this.claims, 'authorization_details'),
    )
    const ofType = this.#authorizationDetails.filter((detail) => detail.type === type)
    return ofType as readonly AuthorizationDetail<object>[] as readonly AuthorizationDetail<Members>[]
  }

  /** Returns the members for `JSON.stringify`, without the raw token. */
  toJSON(): object {
    return { ...this, scope: [...this.scope], audience: this.audience }
  }

  /**
   * Returns the members for `util.inspect`, which could otherwise read `raw` and print the token.
   */
  [inspect.custom](): object {
    return { ...this, scope: this.scope, audience: this.audience }
  }

  /**
   * Whether all given scope tokens were granted, or are implied by granted ones (option
   * `scopeImplies`). The comparison is case-sensitive (RFC 6749 §3.3).
   *
   * @throws {TypeError} without a scope token, or if one is not a string, because the result would
   *   say nothing about the token.
   */
  hasScope(...tokens: readonly string[]): boolean {
    if (tokens.length === 0 || !tokens.every((token) => typeof token === 'string')) {
      throw new TypeError('hasScope() requires one or more scope tokens, each as an argument')
    }
    return tokens.every((token) => this.#includes(token))
  }

  #includes(token: string): boolean {
    return this.scope.has(token) || (this.#hierarchy?.isImplied(token, this.scope) ?? false)
  }
}
