import type { JSONWebKeySet, JWK } from 'jose'
import { type HttpResponse, uncached } from '../http/http-response.js'

export function errorStatus(status: number, retryAfter?: number): HttpResponse {
  const body = { error: 'server_error', error_description: 'Injected fault.' }
  return uncached(status, body, retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` })
}

export function redirection(location: string): HttpResponse {
  return uncached(302, {}, { location })
}

// The body is not UTF-8, because UTF-8 never contains the byte 0xff.
export const garbage: HttpResponse = uncached(
  200,
  Buffer.from('{"keys": \u00ff\u00fe\u0000', 'latin1'),
)

const LOGIN_PAGE = `<!doctype html>
<html><head><title>Sign in</title></head>
<body><form method="post"><input name="username"><input name="password"></form></body></html>
`

export const loginPage: HttpResponse = uncached(200, Buffer.from(LOGIN_PAGE), {
  'content-type': 'text/html; charset=utf-8',
})

export function withoutKeys(response: HttpResponse): HttpResponse {
  return changeKeys(response, () => [])
}

export function withBadKey(response: HttpResponse): HttpResponse {
  const bad = { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'bad-key', use: 'sig' }
  return changeKeys(response, (keys) => [bad, ...keys])
}

export function withWrongIssuer(response: HttpResponse): HttpResponse {
  return changeBody(response, (metadata) => ({
    ...metadata,
    issuer: 'https://wrong-issuer.example',
  }))
}

function changeKeys(response: HttpResponse, change: (keys: JWK[]) => JWK[]): HttpResponse {
  return changeBody(response, (keySet) => ({ keys: change((keySet as JSONWebKeySet).keys) }))
}

/** Returns the response with another body. A response whose status is not 200 is not changed. */
function changeBody(response: HttpResponse, change: (body: object) => object): HttpResponse {
  return response.status === 200 ? { ...response, body: change(response.body as object) } : response
}
