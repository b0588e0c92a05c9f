/** Validates the issuer identifier in the option `issuer` of one authorization server. */

import { canParseUrl } from '../base/can-parse-url.js'
import { reject, requireSetVariables } from '../base/check.js'
import { describeValue } from '../base/describe-value.js'
import { isTenantTemplate } from '../http/metadata.js'
import { httpUrl, isSecureUrl } from '../http/secure-url.js'
import { documentAddressError } from './document-addresses.js'
import { hasDotSegment, MAX_IDENTIFIER_LENGTH, parsedSpelling } from './identifier-syntax.js'
import { MULTI_TENANT, providerOwning } from './providers/providers.js'

const VENDORS = MULTI_TENANT.map(({ tenants }) => tenants.vendor).join(' and ')

export interface IdentifierOptions {
  readonly issuer: unknown
  readonly profile: unknown
  readonly allowHttp: boolean
  readonly isIntrospected: boolean
  /**
   * Options that would replace the values from the issuer's metadata, such as `"jwksUri"`. Empty if
   * no metadata is fetched.
   */
  readonly discovered: readonly string[]
}

/**
 * Validates an issuer identifier. If metadata is fetched from it, the identifier must be an https
 * URL (http on loopback, or with `allowHttp` on any host). Otherwise it may be any string of
 * printable ASCII up to the maximum length, without space, quotation mark or backslash.
 *
 * @returns the parsed identifier; `undefined` if it is not an http or https URL.
 * @throws {TypeError} that names the fix.
 */
export function requireIdentifier(options: IdentifierOptions): URL | undefined {
  const { discovered, isIntrospected } = options
  requireOneIdentifier(options.issuer)
  const isFetched = discovered.length > 0
  const issuer = isFetched ? requireFetchable(options) : requirePlain(options.issuer)
  const url = httpUrl(issuer)
  if (isTenantTemplate(issuer)) {
    requireTenantTemplate(issuer, url, options)
    return url
  }
  if (url === undefined) return undefined
  const configError =
    providerOwning(url)?.issuerConfigError?.(url, issuer, isIntrospected) ??
    documentAddressError(url, isFetched)
  if (configError !== undefined) reject('issuer', `${issuer} ${configError}`)
  if (isFetched) requireParsedSpelling(issuer)
  return url
}

/** Rejects a string with white space around it, unset variables or several issuers. */
function requireOneIdentifier(issuer: unknown): void {
  if (typeof issuer !== 'string') return
  if (issuer !== issuer.trim()) {
    reject('issuer', `must not begin or end with white space, not ${shown(issuer)}`)
  }
  requireSetVariables('issuer', issuer)
  if (/^https?:.*[,;\s]\s*https?:/i.test(issuer)) {
    reject(
      'issuer',
      "must be an array if there are several, such as ['https://a.example', 'https://b.example']",
    )
  }
}

function requireFetchable({ issuer, discovered, allowHttp }: IdentifierOptions): string {
  const otherwise = `To use an issuer without metadata, set ${discovered.join(', and ')}`
  if (issuer instanceof URL) reject('issuer', 'must be a string, not an instance of URL')
  if (typeof issuer !== 'string' || !canParseUrl(issuer)) {
    reject(
      'issuer',
      `must be a URL, such as https://example.okta.com/oauth2/default, not ${shown(issuer)}, because ` +
        `metadata is fetched from it. ${otherwise}`,
    )
  }
  requireNoCredentials(issuer)
  if (/[?#]/.test(issuer)) {
    reject(
      'issuer',
      'must be a URL without query, fragment or credentials, because metadata is fetched from it',
    )
  }
  if (isSecureUrl(issuer, { allowHttp, mayBeLoopback: true })) return issuer
  return reject('issuer', `must be an https URL (http on loopback only): ${issuer}. ${otherwise}`)
}

/**
 * Validates an identifier from which no metadata is fetched. Restricts the characters, because log
 * lines, cache keys and revocations contain the identifier.
 */
function requirePlain(issuer: unknown): string {
  if (
    typeof issuer === 'string' &&
    issuer.length <= MAX_IDENTIFIER_LENGTH &&
    /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(issuer)
  ) {
    requireNoCredentials(issuer)
    return issuer
  }
  return reject(
    'issuer',
    `must be the issuer identifier, exactly as in the "iss" of tokens: 1 to ${MAX_IDENTIFIER_LENGTH} ` +
      `characters of printable ASCII without space, quotation mark or backslash, not ${shown(issuer)}`,
  )
}

/** Describes an invalid issuer, without a part that may be a password. */
function shown(issuer: unknown): string {
  return typeof issuer === 'string' && issuer.includes('@')
    ? 'a string with "@"'
    : describeValue(issuer)
}

function requireNoCredentials(issuer: string): void {
  if (!canParseUrl(issuer)) return
  const { username, password } = new URL(issuer)
  if (username !== '' || password !== '') {
    reject('issuer', 'must not contain credentials (user name or password)')
  }
}

/**
 * Requires an identifier that URL parsers do not change, because `iss` is compared with the string,
 * but metadata is fetched from the parsed URL.
 */
function requireParsedSpelling(issuer: string): void {
  const spelling = parsedSpelling(issuer).replaceAll('%7Btenantid%7D', '{tenantid}')
  if (issuer !== spelling) {
    reject(
      'issuer',
      `must be spelled as URL parsers write it, and so must the "iss" of tokens: ${spelling}`,
    )
  }
  if (hasDotSegment(issuer)) {
    reject('issuer', 'must not have dot segments in its path, not even percent-encoded ones')
  }
}

/** Validates an identifier with `{tenantid}`, which stands for every tenant of a provider. */
function requireTenantTemplate(
  issuer: string,
  url: URL | undefined,
  { profile, isIntrospected, discovered }: IdentifierOptions,
): void {
  if (isIntrospected) {
    reject(
      'introspection',
      `is not available for the tenants of ${VENDORS}, whose tokens cannot be introspected: remove it`,
    )
  }
  const isTemplate = MULTI_TENANT.some(
    ({ name, owns, tenants }) =>
      url !== undefined && (owns(url) ? tenants.templates.includes(issuer) : profile === name),
  )
  if (!isTemplate) {
    const examples = MULTI_TENANT.flatMap(({ tenants }) => tenants.templates.slice(0, 2))
    reject(
      'issuer',
      `contains {tenantid}, which is allowed only for ${VENDORS}: ${examples.join(' or ')}`,
    )
  }
  if (discovered.length > 0) requireParsedSpelling(issuer)
}
