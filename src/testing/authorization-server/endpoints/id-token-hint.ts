import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { ASYMMETRIC_ALGORITHMS } from '../../../base/algorithms.js'
import type { Form } from '../http/form.js'
import type { ServerSettings } from '../options.js'
import type { Clients } from '../registration/clients.js'
import type { SessionSelector } from '../sessions/session-control.js'
import type { SigningKeys } from '../tokens/signing-keys.js'
import type { TestClient } from '../tokens/test-accounts.js'
import type { TokenIssuer } from '../tokens/token-issuer.js'
import { TOKEN_PROFILES } from '../tokens/token-profiles.js'

export interface HintSources {
  issuer: string
  settings: ServerSettings
  clients: Clients
  keys: SigningKeys
  tokens: TokenIssuer
}

/** The client of an ID token, and the session that it names. */
export interface HintedSession {
  client: TestClient | undefined
  selector: SessionSelector
}

/**
 * Returns the client and the session of the parameter `id_token_hint` (OpenID Connect RP-Initiated
 * Logout 1.0 §2); `undefined` if it is absent, or not an ID token of this server. If ID tokens of
 * the profile have no `sid`, the token names all sessions of its user.
 */
export async function hintedSession(
  form: Form,
  sources: HintSources,
): Promise<HintedSession | undefined> {
  const { issuer, clients, keys } = sources
  const clientId = form.get('client_id')
  try {
    const { payload } = await jwtVerify(
      form.get('id_token_hint') ?? '',
      createLocalJWKSet(keys.keySet()),
      {
        algorithms: [...ASYMMETRIC_ALGORITHMS],
        issuer,
        audience: clientId ?? clients.ids,
        // Accepts an ID token that has expired.
        clockTolerance: Number.MAX_SAFE_INTEGER,
      },
    )
    const client = clients.find([payload.aud].flat()[0])
    const selector = sessionIn(payload, client, sources)
    return selector && { client, selector }
  } catch {
    return undefined
  }
}

function sessionIn(
  { sid, sub }: JWTPayload,
  client: TestClient | undefined,
  { settings, tokens }: HintSources,
): SessionSelector | undefined {
  if (typeof sid === 'string') return { sid }
  if (client === undefined || TOKEN_PROFILES[settings.profile].idTokenHasSessionId) return undefined
  const user = settings.users.find((each) => tokens.identity(client, each, undefined).sub === sub)
  return user && { user: user.username }
}
