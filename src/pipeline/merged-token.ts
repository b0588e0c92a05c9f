/**
 * Adds the claims of an introspection response to a verified JWT, for the option
 * `introspection.claims: 'merge'`. Some issuers omit claims from the JWT and send them in the
 * response only (lightweight access tokens of Keycloak).
 *
 * The JWT is verified first, so it must pass all checks without the response. The response adds
 * claims and never replaces one, because the claims of the JWT are signed. The caller has checked
 * the members of the response, and has rejected a response that binds a bearer token.
 */
import { AccessToken } from '../access-token/access-token.js'
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import type { ClaimReader } from '../access-token/claim-reader.js'
import type { ScopeHierarchy } from '../access-token/scope-hierarchy.js'
import { ownMember } from '../base/plain-object.js'
import type { Claims } from '../token/compact-jws.js'

/**
 * Members of a response that never become claims. RFC 7662 §2.2 defines the first four. Profiles
 * read claims named `client_id` and `username`, so these members could change `subjectKind`.
 * Keycloak can put a whole access token into `jwt`, which must not become a claim.
 */
const PROTOCOL_MEMBERS: readonly string[] = ['active', 'client_id', 'token_type', 'username', 'jwt']

/** Claims that contain the scope. If a JWT has one of them, the response adds no scope. */
const SCOPE_CLAIMS: readonly string[] = ['scope', 'scp']

export interface MergeRules {
  /** Reads merged claims like those of a response. */
  readonly reader: ClaimReader
  readonly hierarchy: ScopeHierarchy | undefined
}

/**
 * Returns the token with the merged claims.
 *
 * @param scope the scope of the JWT, narrowed by the response. Used if the JWT states its scope;
 *   otherwise, the scope is read from the merged claims.
 */
export function mergeResponse(
  token: AccessToken,
  scope: ReadonlySet<string>,
  response: Claims,
  { reader, hierarchy }: MergeRules,
): AccessToken {
  const { raw, confirmation } = token
  const statesScope =
    token.scope.size > 0 || SCOPE_CLAIMS.some((name) => Object.hasOwn(token.claims, name))
  const claims = mergedClaims(token.claims, response, statesScope)
  return new AccessToken({
    raw,
    claims,
    confirmation,
    hierarchy,
    reader: {
      ...reader,
      ...(statesScope && { scope: () => [...scope], scopeHint: () => token.scopeHint }),
      // A claim that the response adds must not replace the client that another claim of the JWT
      // names.
      clientId: (merged) => token.clientId ?? reader.clientId(merged) ?? clientIn(response),
    },
  })
}

function mergedClaims(
  claims: AccessTokenClaims,
  response: Claims,
  statesScope: boolean,
): AccessTokenClaims {
  const added = Object.entries(response).filter(
    ([name]) => !PROTOCOL_MEMBERS.includes(name) && !(statesScope && SCOPE_CLAIMS.includes(name)),
  )
  return Object.freeze({ ...Object.fromEntries(added), ...claims })
}

function clientIn(response: Claims): string | undefined {
  // The caller has checked that the member is a string or absent.
  return ownMember(response, 'client_id') as string | undefined
}
