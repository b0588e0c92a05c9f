import { rejectUnknownOptions } from '../../known-options.js'
import {
  type HeaderOverrides,
  requireSigningAlgorithm,
  type SigningAlgorithm,
} from './signing-keys.js'

/** Options of `AuthorizationServer.issueLogoutToken`. */
export interface EventTokenOptions {
  /** Members that override those of the JWS header. A member set to `undefined` is left out. */
  header?: HeaderOverrides | undefined
  /**
   * The signature algorithm. If the server has no published key for it, the server generates and
   * publishes one. Default: the algorithm of the current key.
   */
  algorithm?: SigningAlgorithm | undefined
  /**
   * Whether to sign with a key that the server never publishes, under the `kid` of a published key,
   * as an attacker would. Default false.
   */
  forged?: boolean | undefined
}

/**
 * Checks the options except the values of `header`.
 *
 * @param owner the method that the options belong to, as named in messages.
 * @throws {TypeError} that names the unknown or invalid option and the rule.
 */
export function requireEventTokenOptions(owner: string, options: EventTokenOptions): void {
  rejectUnknownOptions(owner, options, ['header', 'algorithm', 'forged'])
  const { algorithm, forged = false } = options
  if (algorithm !== undefined) requireSigningAlgorithm(algorithm)
  if (typeof forged !== 'boolean') throw new TypeError('"forged" must be true or false')
}
