/** Responses of issuers, and of proxies before them, to the introspection of an unknown token. */

const SERVER_ERROR = json(500, { error: 'server_error' })
const THROTTLED = text(429, 'Too Many Requests', { 'retry-after': '2' })

/** Functions that send a response, by the name of the row. */
export const issuerResponses = {
  'HTTP 401': json(401, undefined),
  'HTTP 403 with a JSON error': json(403, { error: 'access_denied' }),
  'HTTP 403 without one': text(403, 'Forbidden'),
  'HTTP 404': text(404, 'Not Found'),
  'HTTP 429 with Retry-After': THROTTLED,
  'HTTP 429 without it': text(429, 'Too Many Requests'),
  'HTTP 400 unauthorized_client': json(400, { error: 'unauthorized_client' }),
  'connection reset': (response) => response.destroy(),
  'no response until the deadline': () => {},
  'HTTP 500': SERVER_ERROR,
  'garbage with HTTP 200': text(200, '<html>{"active": tru'),
}

/** An issuer that responds 429 to all requests for 2 s, after more than 20 invalid tokens within 2 s. */
export const RATE_LIMIT = '429 about all, after 20 invalid ones in 2 s'

/**
 * Returns a function that selects the response from whether the token is valid. `undefined` leaves the
 * response to the issuer.
 */
export function rateLimitInvalidTokens() {
  const invalidAt = []
  let blockedUntil = 0
  return (isValid) => {
    const now = performance.now()
    if (now < blockedUntil) return THROTTLED
    if (isValid) return undefined
    invalidAt.push(now)
    while (invalidAt[0] < now - 2_000) invalidAt.shift()
    if (invalidAt.length > 20) blockedUntil = now + 2_000
    return json(200, { active: false })
  }
}

function json(status, body) {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
}

function text(status, body, headers = {}) {
  return (response) => {
    response.writeHead(status, { 'content-type': 'text/plain', ...headers })
    response.end(body)
  }
}
