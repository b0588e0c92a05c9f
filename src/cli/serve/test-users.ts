/** Reads the users of the embedded server from the flags of `serve`. */
import type { JWTPayload } from 'jose'
import { type TestUser, testUser } from '../../testing/authorization-server/tokens/test-accounts.js'
import type { Arguments } from '../arguments.js'
import { readClaimFlag } from '../claim-flag.js'
import { UsageError } from '../exit-code.js'

/** Claims that the server sets itself, and the flag that changes each, if there is one. */
const FIXED_CLAIMS: Readonly<Record<string, string>> = {
  iss: 'it is the address of the server (--host, --port, --public-url)',
  aud: 'use --audience',
  exp: 'use --access-token-lifetime',
  iat: 'it is the time of the token',
}

/** A user whose flags are being read. */
interface Draft {
  readonly username: string
  readonly claims: Map<string, unknown>
  readonly groups: string[]
  readonly roles: string[]
}

/**
 * Returns the users. `--group`, `--role` and `--claim` belong to the `--user` before them; without
 * `--user`, to the default user. All passwords are that of the default user.
 *
 * @throws {UsageError} if a flag precedes the first `--user`, a name is repeated, or a value is
 *   malformed.
 */
export function readUsers(args: Arguments, profile: string | undefined): readonly TestUser[] {
  const drafts: Draft[] = args.has('user') ? [] : [draftOf(testUser.username)]
  for (const { flag, value } of args.ordered) {
    if (flag === 'user') drafts.push(newDraft(value, drafts))
    if (flag === 'group' || flag === 'role' || flag === 'claim') {
      const draft = drafts.at(-1)
      if (draft === undefined) {
        throw new UsageError(`--${flag} must follow the --user to which it belongs`)
      }
      if (flag === 'group') draft.groups.push(value)
      else if (flag === 'role') draft.roles.push(value)
      else addClaim(draft, value)
    }
  }
  return drafts.map((draft) => userOf(draft, profile))
}

function draftOf(username: string): Draft {
  return { username, claims: new Map(), groups: [], roles: [] }
}

function newDraft(username: string, drafts: readonly Draft[]): Draft {
  if (drafts.some((draft) => draft.username === username)) {
    throw new UsageError('--user names the same user twice: give each user another name')
  }
  return draftOf(username)
}

function addClaim({ claims }: Draft, given: string): void {
  const [name, value] = readClaimFlag(given)
  if (Object.hasOwn(FIXED_CLAIMS, name)) {
    throw new UsageError(`--claim cannot set "${name}": ${FIXED_CLAIMS[name]}`)
  }
  if (claims.has(name)) {
    throw new UsageError(
      '--claim names the same claim twice for one user: several values are a list, such as --claim teams=\'["a","b"]\'',
    )
  }
  claims.set(name, value)
}

function userOf({ username, claims, groups, roles }: Draft, profile: string | undefined): TestUser {
  const sub = claims.get('sub')
  if (sub !== undefined && (typeof sub !== 'string' || sub === '')) {
    throw new UsageError('--claim sub must be a text, such as --claim sub=00u1')
  }
  claims.delete('sub')
  if (groups.length > 0) claims.set(profile === 'cognito' ? 'cognito:groups' : 'groups', groups)
  if (roles.length > 0) {
    const isKeycloak = profile === 'keycloak'
    claims.set(isKeycloak ? 'realm_access' : 'roles', isKeycloak ? { roles } : roles)
  }
  return {
    username,
    password: testUser.password,
    ...(sub !== undefined && { sub }),
    ...(claims.size > 0 && { claims: Object.fromEntries(claims) as JWTPayload }),
  }
}
