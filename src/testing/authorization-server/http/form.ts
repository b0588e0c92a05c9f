import type { IncomingMessage } from 'node:http'
import { OAuthError } from './oauth-error.js'

const MAX_BYTES = 64 * 1024
/** Limited because the check for repeated parameters takes quadratic time. */
const MAX_PARAMETERS = 100

/**
 * The parameters of a request, each at most once; those without a value are omitted
 * (RFC 6749 §3.2).
 */
export type Form = ReadonlyMap<string, string>

/**
 * Reads a form-encoded body of at most 64 KiB (RFC 6749 §3.2, appendix B).
 *
 * @throws {OAuthError} `invalid_request` if the media type is another, the body too long, or a
 *   parameter repeated
 */
export async function readForm(request: IncomingMessage): Promise<Form> {
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (mediaType !== 'application/x-www-form-urlencoded') {
    throw new OAuthError(
      'invalid_request',
      'The content type must be application/x-www-form-urlencoded.',
    )
  }
  const parameters = new URLSearchParams(await readBody(request))
  if (parameters.size > MAX_PARAMETERS) {
    throw new OAuthError('invalid_request', 'There are too many parameters.')
  }
  const form = new Map<string, string>()
  for (const [name, value] of parameters) {
    if (parameters.getAll(name).length > 1) {
      throw repeatedParameter(name)
    }
    if (value !== '') form.set(name, value)
  }
  return form
}

/**
 * `resource` may be repeated (RFC 8707 §2), but this server issues tokens for one resource only.
 */
function repeatedParameter(name: string): OAuthError {
  return name === 'resource'
    ? new OAuthError('invalid_target', 'This server issues tokens for one resource at a time.')
    : new OAuthError('invalid_request', 'A parameter is repeated.')
}

/** @throws {OAuthError} `invalid_request` if the parameter is missing */
export function requireParameter(form: Form, name: string): string {
  const value = form.get(name)
  if (value === undefined) throw new OAuthError('invalid_request', `The ${name} is missing.`)
  return value
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Read to the end even when it is too long: a client that is still writing would not see the
  // response.
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes <= MAX_BYTES) chunks.push(chunk)
  }
  if (bytes > MAX_BYTES) {
    throw new OAuthError('invalid_request', 'The body is too long.', { status: 413 })
  }
  return Buffer.concat(chunks).toString('utf8')
}
