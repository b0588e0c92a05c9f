import type { IncomingMessage } from 'node:http'
import { OAuthError } from './oauth-error.js'

const MAX_BYTES = 64 * 1024
/** Limits the number of parameters, because the check for repetitions takes quadratic time. */
const MAX_PARAMETERS = 100

/**
 * The parameters of a request. RFC 6749 §3.2: no parameter is repeated, and a parameter without a
 * value is treated as absent.
 */
export type Form = ReadonlyMap<string, string>

/**
 * Reads a form-encoded body of at most 64 KiB and 100 parameters (RFC 6749 §3.2, appendix B).
 *
 * @throws {OAuthError} `invalid_request` if the request has another media type, exceeds a limit or
 *   repeats a parameter; `invalid_target` if it repeats the parameter `resource`
 */
export async function readForm(request: IncomingMessage): Promise<Form> {
  if (!isForm(request)) {
    throw new OAuthError(
      'invalid_request',
      'The content type must be application/x-www-form-urlencoded.',
    )
  }
  return readParameters(await readBody(request))
}

/** Whether the media type of the body is that of a form. */
export function isForm({ headers }: IncomingMessage): boolean {
  const mediaType = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  return mediaType === 'application/x-www-form-urlencoded'
}

/**
 * Reads the query of a request.
 *
 * @throws {OAuthError} as {@link readForm} does
 */
export function readQuery({ url }: IncomingMessage): Form {
  const [, query = ''] = (url as string).split(/\?(.*)/s)
  return readParameters(query)
}

/**
 * Reads form-encoded text of at most 100 parameters, such as a query.
 *
 * @throws {OAuthError} as {@link readForm} does
 */
export function readParameters(text: string): Form {
  const parameters = new URLSearchParams(text)
  if (parameters.size > MAX_PARAMETERS) {
    throw new OAuthError('invalid_request', 'There are more than 100 parameters.')
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
 * Returns the error for a repeated parameter. RFC 8707 §2 allows a client to repeat `resource`, but
 * this server issues tokens for one resource only.
 */
function repeatedParameter(name: string): OAuthError {
  return name === 'resource'
    ? new OAuthError('invalid_target', 'This server issues tokens for one resource at a time.')
    : new OAuthError('invalid_request', 'A parameter is repeated.')
}

/**
 * Returns the value of a parameter.
 *
 * @throws {OAuthError} `invalid_request` if the parameter is missing.
 */
export function requireParameter(form: Form, name: string): string {
  const value = form.get(name)
  if (value === undefined)
    throw new OAuthError('invalid_request', `The parameter ${name} is missing.`)
  return value
}

/**
 * Reads a body of at most 64 KiB.
 *
 * @throws {OAuthError} `invalid_request` if the body is longer
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Reads the body to its end even if it is too long, because some clients read the response only
  // after they have written the whole body.
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes <= MAX_BYTES) chunks.push(chunk)
  }
  if (bytes > MAX_BYTES) {
    throw new OAuthError('invalid_request', 'The body is longer than 64 KiB.', { status: 413 })
  }
  return Buffer.concat(chunks).toString('utf8')
}
