import { canParseUrl } from '../../../base/can-parse-url.js'
import type { Form } from '../http/form.js'
import { OAuthError } from '../http/oauth-error.js'

/**
 * The resource that a token is asked for (RFC 8707 §2), as it was sent: audiences are compared
 * character by character. Every absolute URI will do, whatever API may be behind it.
 *
 * @throws {OAuthError} `invalid_target`: no absolute URI, or one with a fragment
 */
export function requestedResource(form: Form): string | undefined {
  const resource = form.get('resource')
  if (resource === undefined || isAbsoluteUri(resource)) return resource
  throw new OAuthError('invalid_target', 'The resource must be an absolute URI without a fragment.')
}

function isAbsoluteUri(text: string): boolean {
  return /^[\x21\x22\x24-\x7e]+$/.test(text) && canParseUrl(text)
}
