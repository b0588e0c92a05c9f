import type { TestUser } from '../tokens/test-accounts.js'
import { secretsEqual } from './secret-comparison.js'

/** Returns the user with this name and password; `undefined` if there is none. */
export function authenticateUser(
  users: readonly TestUser[],
  username: string,
  password: string,
): TestUser | undefined {
  const user = users.find((candidate) => candidate.username === username)
  return secretsEqual(password, user?.password ?? '') ? user : undefined
}
