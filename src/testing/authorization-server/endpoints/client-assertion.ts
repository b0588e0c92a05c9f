import { createLocalJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose'
import { ASYMMETRIC_ALGORITHMS } from '../../../base/algorithms.js'
import type { TestClient } from '../tokens/test-accounts.js'
import { UsedIds } from './used-ids.js'

const MAX_LIFETIME_SECONDS = 3600
/** Tolerance for `nbf`, in seconds, because the client's clock may be ahead of the server's. */
const CLOCK_TOLERANCE_SECONDS = 30

/**
 * Verifies `private_key_jwt` assertions (RFC 7523 §3, draft-ietf-oauth-rfc7523bis §4). A valid
 * assertion is signed with one of the client's registered keys, has the client's id as `iss` and
 * `sub`, the issuer identifier as `aud`, which is a string, an `exp` within the next hour, and a
 * `jti` that this client did not use before. Its `typ` is absent, `JWT` or
 * `client-authentication+jwt`: any other `typ` states that the JWT is for another purpose.
 */
export class ClientAssertions {
  readonly #clients: readonly TestClient[]
  readonly #issuer: string
  readonly #now: () => number
  readonly #used: UsedIds

  constructor(clients: readonly TestClient[], issuer: string, now: () => number) {
    this.#clients = clients
    this.#issuer = issuer
    this.#now = now
    this.#used = new UsedIds(now)
  }

  /** Returns the client that signed the assertion; `undefined` if the assertion is invalid. */
  async verify(assertion: string): Promise<TestClient | undefined> {
    try {
      const { sub } = decodeJwt(assertion)
      const client = this.#clients.find(({ clientId }) => clientId === sub)
      if (client?.jwks === undefined) return undefined
      const { payload, protectedHeader } = await jwtVerify(
        assertion,
        createLocalJWKSet(client.jwks),
        {
          algorithms: [...ASYMMETRIC_ALGORITHMS],
          issuer: client.clientId,
          subject: client.clientId,
          audience: this.#issuer,
          requiredClaims: ['exp', 'jti'],
          currentDate: new Date(this.#now()),
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
        },
      )
      if (typeof payload.aud !== 'string' || !isExpectedType(protectedHeader.typ)) return undefined
      return this.#isFirstUse(client, payload) ? client : undefined
    } catch {
      return undefined
    }
  }

  #isFirstUse({ clientId }: TestClient, { jti, exp }: JWTPayload): boolean {
    const expires = exp as number
    const now = this.#now() / 1000
    // `jwtVerify` accepts an assertion that expired within the clock tolerance. This check does
    // not.
    if (expires <= now || expires > now + MAX_LIFETIME_SECONDS) return false
    return this.#used.use(JSON.stringify([clientId, jti]), expires)
  }
}

function isExpectedType(typ: string | undefined): boolean {
  return typ === undefined || /^(?:application\/)?(?:client-authentication\+jwt|jwt)$/i.test(typ)
}
