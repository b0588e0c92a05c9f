import type { IncomingMessage } from 'node:http'
import { type HttpResponse, uncached } from './http-response.js'

/** An error that becomes an OAuth error response (RFC 6749 §5.2). Default status: 400. */
export class OAuthError extends Error {
  readonly error: string
  readonly status: number
  readonly headers: Record<string, string>

  constructor(
    error: string,
    description: string,
    { status = 400, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
  ) {
    super(description)
    this.error = error
    this.status = status
    this.headers = headers
  }

  toResponse(): HttpResponse {
    const { error, message, status, headers } = this
    return uncached(status, { error, error_description: message }, headers)
  }
}

/** Returns a handler that responds with the error response if the given handler throws one. */
export function withErrorResponses(
  handle: (request: IncomingMessage) => Promise<HttpResponse>,
): (request: IncomingMessage) => Promise<HttpResponse> {
  return async (request) => {
    try {
      return await handle(request)
    } catch (error) {
      if (error instanceof OAuthError) return error.toResponse()
      throw error
    }
  }
}
