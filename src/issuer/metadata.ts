/**
 * Discovery: from an issuer's name to the address of its key set (RFC 8414 §3, OpenID Connect
 * Discovery 1.0 §4).
 */

import { isJsonObject } from '../json-object.js'
import { type FetchJsonOptions, fetchJson, UnexpectedAnswerError } from '../keys/fetch-json.js'
import { isSecureUrl } from '../secure-url.js'

/** The part of an authorization server's metadata that a resource server needs. */
export interface AuthorizationServerMetadata {
  readonly issuer: string
  readonly jwksUri: string
}

/** Several times what any issuer publishes; a key set, with its certificates, may be larger. */
const MAX_BYTES = 65_536

/** No metadata document of this issuer could be used. The message tells of each one tried. */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError'
}

export interface DiscoveryOptions extends FetchJsonOptions {
  /** Plain http beyond loopback: for development networks only. */
  readonly allowHttp: boolean
}

/**
 * Where the metadata may be, in the order to try: OpenID Connect appended, OpenID Connect inserted,
 * OAuth inserted. The first is what nearly everybody serves.
 */
export function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  // RFC 8414 §3.1: a terminating slash is removed first.
  const path = pathname.replace(/\/$/, '')
  return [
    ...new Set([
      `${origin}${path}/.well-known/openid-configuration`,
      `${origin}/.well-known/openid-configuration${path}`,
      `${origin}/.well-known/oauth-authorization-server${path}`,
    ]),
  ]
}

/**
 * @throws {DiscoveryError} if no document is there, or none names exactly this issuer.
 * @throws what `fetch` throws when the host doesn't answer at all; no other URL is tried then.
 */
export async function discover(
  issuer: string,
  options: DiscoveryOptions,
): Promise<AuthorizationServerMetadata> {
  const maxBytes = Math.min(options.maxBytes, MAX_BYTES)
  const refusals: string[] = []
  for (const url of metadataUrls(issuer)) {
    try {
      const { body } = await fetchJson(url, { ...options, maxBytes })
      return readMetadata(url, issuer, body, options.allowHttp)
    } catch (error) {
      if (!(error instanceof UnexpectedAnswerError)) throw error
      refusals.push(error.message)
    }
  }
  throw new DiscoveryError(`no metadata for the issuer ${issuer}: ${refusals.join('; ')}`)
}

function readMetadata(
  url: string,
  expected: string,
  body: unknown,
  allowHttp: boolean,
): AuthorizationServerMetadata {
  if (!isJsonObject(body)) throw new UnexpectedAnswerError(`${url} did not answer a JSON object`)
  // RFC 8414 §3.3: identical, code point by code point. Anything else could be somebody's else.
  if (body.issuer !== expected) {
    throw new UnexpectedAnswerError(
      `${url} names the issuer ${quote(body.issuer)}, which is not identical to ${quote(expected)}`,
    )
  }
  if (typeof body.jwks_uri !== 'string') throw new UnexpectedAnswerError(`${url} has no "jwks_uri"`)
  // A remote issuer may not send us to a plain-text service of our own machine.
  const mayBeLoopback = new URL(expected).protocol === 'http:'
  if (!isSecureUrl(body.jwks_uri, { allowHttp, mayBeLoopback })) {
    throw new UnexpectedAnswerError(`${url} has a "jwks_uri" that is not an https URL`)
  }
  return { issuer: expected, jwksUri: body.jwks_uri }
}

function quote(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 200)) : 'absent'
}
