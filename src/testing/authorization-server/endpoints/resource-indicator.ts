import { canParseUrl } from '../../../base/can-parse-url.js'
import type { Form } from '../http/form.js'
import { OAuthError } from '../http/oauth-error.js'

/** Limits what refresh tokens store. */
const MAX_LENGTH = 2_000

/**
 * Returns the requested resource (RFC 8707 §2); `undefined` if the client requested none. The value
 * is returned exactly as the client sent it, because audiences are compared character by character.
 * Every absolute URI without a fragment is accepted, because the server does not know which APIs
 * exist.
 *
 * @throws {OAuthError} `invalid_target` if the value is not an absolute URI, has a fragment or is too long
 */
export function requestedResource(form: Form): string | undefined {
  const resource = form.get('resource')
  if (resource === undefined || isAbsoluteUri(resource)) return resource
  throw new OAuthError(
    'invalid_target',
    `The resource must be an absolute URI of at most ${MAX_LENGTH} characters without a fragment.`,
  )
}

function isAbsoluteUri(text: string): boolean {
  return text.length <= MAX_LENGTH && /^[\x21\x22\x24-\x7e]+$/.test(text) && canParseUrl(text)
}
