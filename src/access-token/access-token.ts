import { inspect } from 'node:util'
import { ownMember } from '../base/plain-object.js'
import { type AccessTokenClaims, type TokenTimes, timesOf } from './access-token-claims.js'
import { type Actor, actorsOf } from './actor.js'
import { type AuthorizationDetail, readAuthorizationDetails } from './authorization-details.js'
import type { Confirmation } from './confirmation.js'
import type { ScopeHierarchy } from './scope-hierarchy.js'

/** Whether a subject is a user or a client acting for itself; `unknown` if no claim proves it. */
export type SubjectKind = 'user' | 'client' | 'unknown'

/** Reads from the claims of an issuer what {@link AccessToken} offers for every issuer. */
export interface ClaimReader {
  readonly scope: (claims: AccessTokenClaims) => readonly string[]
  readonly clientId: (claims: AccessTokenClaims) => string | undefined
  readonly roles: (claims: AccessTokenClaims) => readonly string[]
  readonly groups: (claims: AccessTokenClaims) => readonly string[]
  readonly permissions: (claims: AccessTokenClaims) => readonly string[]
  readonly subjectKind: (claims: AccessTokenClaims) => SubjectKind
}

/** The results of verification from which an {@link AccessToken} is constructed. */
export interface VerifiedToken {
  readonly raw: string
  readonly confirmation?: Confirmation | undefined
  readonly claims: AccessTokenClaims
  readonly reader: ClaimReader
  readonly hierarchy?: ScopeHierarchy | undefined
}

/**
 * A verified access token, with the same members for every issuer. Immutable, because requests with
 * the same token share it.
 */
export class AccessToken {
  /** The verified claims as the issuer sent them, deeply frozen. */
  readonly claims: AccessTokenClaims
  /**
   * `sub`: a user, or the client if no user is involved; `undefined` if absent. Check
   * {@link subjectKind} before treating it as a user, and combine it with {@link issuer}: two
   * issuers may use the same subject.
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
   * `cnf`: the client's key or certificate to which the token is bound, whose possession the
   * request has proven; `undefined` for a bearer token. RFC 7800 §3.1.
   */
  readonly confirmation: Confirmation | undefined
  /** Private, so that neither a logger nor `JSON.stringify` leaks it. */
  #raw: string
  readonly #reader: ClaimReader
  readonly #hierarchy: ScopeHierarchy | undefined
  readonly #times: TokenTimes
  // Computed lazily, because the constructor runs for every new token.
  #scope: ReadonlySet<string> | undefined
  #audience: readonly string[] | undefined
  #roles: ReadonlySet<string> | undefined
  #groups: ReadonlySet<string> | undefined
  #permissions: ReadonlySet<string> | undefined
  #actorChain: readonly Actor[] | undefined
  #authorizationDetails: readonly AuthorizationDetail[] | undefined

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

  /** The token as it was sent, for token exchange (RFC 8693). A secret: never log it. */
  get raw(): string {
    return this.#raw
  }

  /** @internal */
  get times(): TokenTimes {
    return this.#times
  }

  /**
   * Copies the raw token to a flat string, for callers that retain it: it is a slice of a request's
   * header and would keep the whole header alive, including its padding.
   *
   * @param prefix prepended to the copy; the raw token becomes a slice of it.
   * @returns the copy.
   * @internal
   */
  detach(prefix = ''): string {
    const copy = Buffer.from(prefix + this.#raw, 'latin1').toString('latin1')
    this.#raw = copy.slice(prefix.length)
    return copy
  }

  /**
   * The scope as the issuer granted it (RFC 6749 §3.3), a set: order and repetition have no
   * meaning. {@link hasScope} also counts what it implies (option `scopeImplies`).
   */
  get scope(): ReadonlySet<string> {
    this.#scope ??= fixedSet(this.#reader.scope(this.claims))
    return this.#scope
  }

  /** `aud` of the token; empty for an issuer whose tokens have none, such as Cognito. */
  get audience(): readonly string[] {
    const aud = ownMember(this.claims, 'aud') ?? []
    this.#audience ??= Object.freeze(typeof aud === 'string' ? [aud] : [...aud])
    return this.#audience
  }

  /**
   * Whether {@link subject} is a user or a client (RFC 9700 §4.15). A client may have an identifier
   * that equals the `sub` of a user, so grant access to a user's resources for `'user'` only. The
   * profiles `standard` and `rfc9068` never return `'user'`: RFC 9068 has no claim that proves it.
   */
  get subjectKind(): SubjectKind {
    return this.#reader.subjectKind(this.claims)
  }

  /**
   * The roles of the subject, read by the issuer's profile: `roles`, or in Keycloak the realm roles
   * and the roles of the clients in `audience`.
   */
  get roles(): ReadonlySet<string> {
    this.#roles ??= fixedSet(this.#reader.roles(this.claims))
    return this.#roles
  }

  /** The groups of the subject: `groups`, or `cognito:groups`. */
  get groups(): ReadonlySet<string> {
    this.#groups ??= fixedSet(this.#reader.groups(this.claims))
    return this.#groups
  }

  /**
   * The permissions of the subject: `permissions` (Auth0) or `entitlements` (RFC 9068 §2.2.3.1).
   */
  get permissions(): ReadonlySet<string> {
    this.#permissions ??= fixedSet(this.#reader.permissions(this.claims))
    return this.#permissions
  }

  /**
   * Who uses the token on behalf of {@link subject}: `act` (RFC 8693 §4.1); `undefined` if it is
   * the subject itself, or the issuer does not say. Require `config.auth.actor: 'none'` where
   * no party may act for a user.
   */
  get actor(): Actor | undefined {
    return this.actorChain[0]
  }

  /** The current actor, then those before it, for logs: only the current one counts. */
  get actorChain(): readonly Actor[] {
    this.#actorChain ??= actorsOf(ownMember(this.claims, 'act'))
    return this.#actorChain
  }

  /**
   * Returns the elements of `authorization_details` of one type, in their order; none if the token
   * has no such element. Leaves out elements whose common members have the wrong JSON type. Checks
   * nothing else: an element may have `locations` of another API. RFC 9396 §9.
   *
   * @typeParam Members the members that the type defines; not checked at run time.
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

  /** Returns every member except the raw token. */
  toJSON(): object {
    return { ...this, scope: [...this.scope], audience: this.audience }
  }

  /** Used by `util.inspect`, which may be configured to call getters. */
  [inspect.custom](): object {
    return { ...this, scope: this.scope, audience: this.audience }
  }

  /**
   * Whether all given scope tokens were granted, or are implied by granted ones (option
   * `scopeImplies`). Case-sensitive.
   */
  hasScope(...tokens: readonly string[]): boolean {
    return tokens.every((token) => this.#includes(token))
  }

  #includes(token: string): boolean {
    return this.scope.has(token) || (this.#hierarchy?.isImplied(token, this.scope) ?? false)
  }
}

/** An immutable set: `Object.freeze` does not prevent changes to a `Set`. */
class FixedSet extends Set<string> {
  // Absent while the Set constructor adds values, because fields are initialized after super().
  readonly #fixed = true

  constructor(values: Iterable<string>) {
    super(values)
    Object.freeze(this)
  }

  override add(value: string): this {
    if (#fixed in this) throw immutable()
    return super.add(value)
  }

  override delete(): boolean {
    throw immutable()
  }

  override clear(): void {
    throw immutable()
  }
}

function immutable(): TypeError {
  return new TypeError('A verified access token cannot be changed')
}

/** Shared, because most tokens have no roles, groups and permissions. */
const EMPTY: ReadonlySet<string> = new FixedSet([])

function fixedSet(values: readonly string[]): ReadonlySet<string> {
  return values.length === 0 ? EMPTY : new FixedSet(values)
}
