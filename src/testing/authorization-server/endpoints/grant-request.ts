import type { AuthorizationCodes } from '../authorization/authorization-codes.js'
import type { Form } from '../http/form.js'
import type { ServerSettings } from '../options.js'
import type { Sessions } from '../sessions/sessions.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'
import type { RefreshTokens } from '../tokens/refresh-tokens.js'
import type { TestClient } from '../tokens/test-accounts.js'
import type { TokenSubject } from '../tokens/token-profile.js'

/** A token request of an authenticated client. */
export interface GrantRequest {
  form: Form
  client: TestClient
  settings: ServerSettings
  codes: AuthorizationCodes
  refreshTokens: RefreshTokens
  issued: IssuedTokens
  sessions: Sessions
  /** The current time, in seconds since the epoch. */
  now: number
  /** The thumbprint of the key that signed the DPoP proof; `undefined` if there is no proof. */
  jkt?: string | undefined
}

/** The subject of the granted tokens, and the refresh token if the server issues one. */
export interface Granted {
  subject: TokenSubject
  refreshToken?: string | undefined
  /** The token type identifier (RFC 8693 §3) in the response to a token exchange. */
  issuedTokenType?: string | undefined
}
