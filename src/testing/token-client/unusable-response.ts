import type { Redact } from '../../http/redaction.js'
import { type ExplainedGrant, hintFor, isKnownCode } from './hints.js'
import { parseJsonObject } from './json-object.js'
import { PasswordGrantError } from './password-grant-error.js'

/** A response without usable tokens or metadata. */
export interface UnusableResponse {
  /** The URL of the request, redacted. */
  url: string
  response: Response
  /** The body of the response. */
  text: string
  /** The message of the error that processing the response threw; not yet redacted. */
  reason: string
  redact: Redact
  /** The grant of the request, which determines the hint. Default `password`. */
  grant?: ExplainedGrant | undefined
}

/**
 * Returns the error for a response without usable tokens or metadata. The code of the error is the
 * server's OAuth error code (RFC 6749 §5.2) if the body has one. Otherwise it is
 * `invalid_response`, and the message describes the content of the response.
 */
export function unusableResponse(unusable: UnusableResponse): PasswordGrantError {
  const { url, response, text, redact, grant = 'password' } = unusable
  const { status } = response
  const body = parseJsonObject(text)
  if (typeof body?.error === 'string' && body.error !== '') {
    const error = isKnownCode(body.error) ? body.error : redact(body.error, 100)
    return new PasswordGrantError({
      error,
      status,
      summary: `${url} rejected the request (HTTP ${status})`,
      hint: hintFor(error, status, grant),
      errorDescription: redactedText(body.error_description, redact),
    })
  }
  return new PasswordGrantError({
    error: 'invalid_response',
    status,
    summary: `${url} responded with HTTP ${status}: ${describeContent(unusable, body)}`,
    hint: unusableHint(status, body, grant),
    // Okta describes errors that are not OAuth errors, such as an exceeded rate limit, in this
    // member.
    errorDescription: redactedText(body?.errorSummary, redact),
  })
}

function unusableHint(status: number, body: object | undefined, grant: ExplainedGrant): string {
  if (status === 429 || status >= 500) return hintFor('invalid_response', status, grant)
  if (status === 200 && body !== undefined) {
    return 'The server violates the protocol, or the URL belongs to another endpoint: check the URL and the configuration of the client.'
  }
  return 'The URL is probably wrong: check "issuer" (at Okta https://{domain}/oauth2/{authorization server id}) or "tokenEndpoint" (at Okta https://{domain}/oauth2/{authorization server id}/v1/token). Or a proxy or a sign-in page responded instead of the server.'
}

function describeContent(
  { response, text, reason, redact }: UnusableResponse,
  body?: object,
): string {
  const type = redact(response.headers.get('content-type') ?? 'none', 100)
  if (text.trim() === '') return `an empty body (content type: ${type})`
  if (/^\s*<(!doctype|html)/i.test(text)) return `an HTML page (content type: ${type})`
  if (body === undefined) return `a body that is not a JSON object (content type: ${type})`
  if (response.status !== 200) return `JSON that has no "error" (content type: ${type})`
  return `JSON that cannot be used: ${redact(reason)}`
}

function redactedText(value: unknown, redact: Redact): string | undefined {
  return typeof value === 'string' && value !== '' ? redact(value) : undefined
}
