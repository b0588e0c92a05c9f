/** Names that users try first in `config.auth`, each with the requirement to use. */

const OPEN = 'auth: false to open the route, or "optional" to accept requests without a token,'
const CLAIMS = '"claims", such as { sub: \'ada\' },'

/** For the message of the plugin when the application declares the route. */
export const EQUIVALENT_REQUIREMENTS: ReadonlyMap<string, string> = new Map([
  ['required', OPEN],
  ['enabled', OPEN],
  ['public', OPEN],
  ['skip', OPEN],
  ['sub', CLAIMS],
  ['subject', CLAIMS],
  ['clientId', `"authorize", such as (token) => token.clientId === 'reports',`],
  ['subjectKind', `"authorize", such as (token) => token.subjectKind === 'user',`],
  ['claim', CLAIMS],
  ['hasRole', '"roles"'],
  ['acr_values', '"acr"'],
  ['check', '"authorize"'],
  ['audience', 'the option "audience" of the plugin'],
  ['issuer', 'the option "issuer" of the plugin'],
])

/**
 * For the compiler, which reports no other unknown key, because Fastify infers its own type from
 * `config`. Editors strike these names through, because they are deprecated.
 */
export interface UnknownRequirements {
  /** @deprecated Unknown: use `scope`. */
  scopes?: UseInstead<'scope'>
  /** @deprecated Unknown: use `scope`. */
  requiredScopes?: UseInstead<'scope'>
  /** @deprecated Unknown: use `roles`. */
  role?: UseInstead<'roles'>
  /** @deprecated Unknown: use `groups`. */
  group?: UseInstead<'groups'>
  /** @deprecated Unknown: use `permissions`. */
  permission?: UseInstead<'permissions'>
  /** @deprecated Unknown: use `claims`. */
  claim?: UseInstead<'claims'>
}

/** A type of no value. Its name is in the error of the compiler; `never` would name nothing. */
interface UseInstead<Requirement extends string> {
  readonly [instead]: Requirement
}

declare const instead: unique symbol
