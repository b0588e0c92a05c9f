import { inspect } from 'node:util'
import { ownMember } from '../base/plain-object.js'
import { type AccessTokenClaims, type TokenTimes, timesOf } from './access-token-claims.js'
import type { Confirmation } from './confirmation.js'

/**
 * Whom the subject of a token is: a user, or a client that acts for itself. `unknown` where the
 * claims prove neither.
 */
export type SubjectKind = 'user' | 'client' | 'unknown'

/** Where an issuer's tokens have what every token has. */
export interface ClaimReader {
  readonly scope: (claims: AccessTokenClaims) => readonly string[]
  readonly clientId: (claims: AccessTokenClaims) => string | undefined
  readonly roles: (claims: AccessTokenClaims) => readonly string[]
  readonly groups: (claims: AccessTokenClaims) => readonly string[]
  readonly permissions: (claims: AccessTokenClaims) => readonly string[]
  readonly subjectKind: (claims: AccessTokenClaims) => SubjectKind
}

/** What the pipeline knows of a token once every check has passed. */
export interface VerifiedToken {
  readonly raw: string
  readonly confirmation?: Confirmation | undefined
  readonly claims: AccessTokenClaims
  readonly reader: ClaimReader
}

/**
 * A verified access token: one shape, whatever the issuer. Immutable, because requests that carry
 * the same token share it.
 */
export class AccessToken {
  /** The verified claims as the issuer sent them, frozen all the way down. */
  readonly claims: AccessTokenClaims
  /**
   * `sub`: a user, or the client itself where no user takes part. Look at {@link subjectKind} before
   * you take it for a user's, and see it together with {@link issuer}: two issuers may have the same
   * subject.
   */
  readonly subject: string | undefined
  /** The client that the token was issued to, if the issuer says. */
  readonly clientId: string | undefined
  /** `iss`: one of the configured issuers. */
  readonly issuer: string
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** Seconds since the epoch. */
  readonly issuedAt: number | undefined
  /**
   * What it is bound to (`cnf`): the client's key or certificate, which the request has proven;
   * `undefined` for a bearer token.
   */
  readonly confirmation: Confirmation | undefined
  /** Private, so that neither a logger nor `JSON.stringify` ever shows it. */
  #raw: string
  readonly #reader: ClaimReader
  readonly #times: TokenTimes
  // Read when somebody asks: every new token pays for what is made here.
  #scope: ReadonlySet<string> | undefined
  #audience: readonly string[] | undefined
  #roles: ReadonlySet<string> | undefined
  #groups: ReadonlySet<string> | undefined
  #permissions: ReadonlySet<string> | undefined

  /** @internal */
  constructor({ raw, claims, reader, confirmation }: VerifiedToken) {
    this.#raw = raw
    this.#reader = reader
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

  /** The token as it was sent, for passing on (RFC 8693). A secret: never log it. */
  get raw(): string {
    return this.#raw
  }

  /** @internal */
  get times(): TokenTimes {
    return this.#times
  }

  /**
   * Makes the text a copy of its own, for whoever keeps the token: it is cut from a request's header,
   * and would keep all of it alive, blanks included.
   *
   * @param prefix of the copy, which the token becomes a part of.
   * @returns the copy.
   * @internal
   */
  detach(prefix = ''): string {
    const copy = Buffer.from(prefix + this.#raw, 'latin1').toString('latin1')
    this.#raw = copy.slice(prefix.length)
    return copy
  }

  /** The granted scope (RFC 6749 §3.3). A set: order and repetition mean nothing. */
  get scope(): ReadonlySet<string> {
    this.#scope ??= fixedSet(this.#reader.scope(this.claims))
    return this.#scope
  }

  /** `aud`, as the token has it. Empty for an issuer whose tokens name none, such as Cognito. */
  get audience(): readonly string[] {
    const aud = ownMember(this.claims, 'aud') ?? []
    this.#audience ??= Object.freeze(typeof aud === 'string' ? [aud] : [...aud])
    return this.#audience
  }

  /**
   * Whom {@link subject} names (RFC 9700 §4.15). A client may be given an id that equals a user's
   * `sub`, so what belongs to a user is for `'user'` only. The profiles `standard` and `rfc9068`
   * never say `'user'`: RFC 9068 has no claim that proves it.
   */
  get subjectKind(): SubjectKind {
    return this.#reader.subjectKind(this.claims)
  }

  /**
   * The roles of the subject, from where the issuer's profile has them: `roles`, or Keycloak's realm
   * roles and those of the clients that `audience` names.
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

  /** What the subject may do: `permissions` (Auth0), or `entitlements` (RFC 9068 §2.2.3.1). */
  get permissions(): ReadonlySet<string> {
    this.#permissions ??= fixedSet(this.#reader.permissions(this.claims))
    return this.#permissions
  }

  /** What may be shown of it: all but the token itself. */
  toJSON(): object {
    return { ...this, scope: [...this.scope], audience: this.audience }
  }

  /** For `util.inspect`, which would call the getters if it was asked to. */
  [inspect.custom](): object {
    return { ...this, scope: this.scope, audience: this.audience }
  }

  /** Whether every one of the given scope tokens was granted. Compared exactly, case and all. */
  hasScope(...tokens: readonly string[]): boolean {
    return tokens.every((token) => this.scope.has(token))
  }
}

/** A set that can't be changed after it was made: `Object.freeze` leaves a `Set` open. */
class FixedSet extends Set<string> {
  // Absent while the Set constructor fills itself, because fields are made after super() returns.
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

/** Most tokens have no roles, no groups and no permissions. */
const EMPTY: ReadonlySet<string> = new FixedSet([])

function fixedSet(values: readonly string[]): ReadonlySet<string> {
  return values.length === 0 ? EMPTY : new FixedSet(values)
}
