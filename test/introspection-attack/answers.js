/** What issuers, and proxies before them, answer about a token that they do not know. */

const SERVER_ERROR = json(500, { error: 'server_error' })

/** Each writes its answer to a response. */
export const answers = {
  'HTTP 401': json(401, undefined),
  'HTTP 403 with a JSON error': json(403, { error: 'access_denied' }),
  'HTTP 403 without one': text(403, 'Forbidden'),
  'HTTP 404': text(404, 'Not Found'),
  'HTTP 429 with Retry-After': text(429, 'Too Many Requests', { 'retry-after': '2' }),
  'HTTP 429 without it': text(429, 'Too Many Requests'),
  'HTTP 400 unauthorized_client': json(400, { error: 'unauthorized_client' }),
  'connection reset': (response) => response.destroy(),
  'no answer until the deadline': () => {},
  'HTTP 500': SERVER_ERROR,
  'garbage with HTTP 200': text(200, '<html>{"active": tru'),
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
