import { inspect } from 'node:util'
import type { AccessTokenClaims } from './access-token-claims.js'

/** What the pipeline knows of a token once every check has passed. */
export interface VerifiedToken {
  readonly raw: string
  readonly claims: AccessTokenClaims
  readonly scope: Iterable<string>
  readonly clientId: string | undefined
}

/**
 * A verified access token: one shape, whatever the issuer. Immutable, because requests that carry
 * the same token share it.
 */
export class AccessToken {
  /** The verified claims as the issuer sent them, frozen all the way down. */
  readonly claims: AccessTokenClaims
  /** The granted scope (RFC 6749 §3.3). A set: order and repetition mean nothing. */
  readonly scope: ReadonlySet<string>
  /** `sub`: a user, or the client itself where no user takes part. */
  readonly subject: string | undefined
  /** The client that the token was issued to, if the issuer says. */
  readonly clientId: string | undefined
  readonly issuer: string
  readonly audience: readonly string[]
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** Seconds since the epoch. */
  readonly issuedAt: number | undefined
  /** Private, so that neither a logger nor `JSON.stringify` ever shows it. */
  readonly #raw: string

  /** @internal */
  constructor({ raw, claims, scope, clientId }: VerifiedToken) {
    this.#raw = raw
    this.claims = claims
    this.scope = new FixedSet(scope)
    this.subject = claims.sub
    this.clientId = clientId
    this.issuer = claims.iss
    this.audience = Object.freeze(typeof claims.aud === 'string' ? [claims.aud] : [...claims.aud])
    this.expiresAt = claims.exp
    this.issuedAt = claims.iat
    Object.freeze(this)
  }

  /** The token as it was sent, for passing on (RFC 8693). A secret: never log it. */
  get raw(): string {
    return this.#raw
  }

  /** For `util.inspect`, which would call the getter if it was asked to. */
  [inspect.custom](): object {
    return { ...this }
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
  return new TypeError('The scope of a verified access token cannot be changed')
}
