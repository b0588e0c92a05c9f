import type { JSONWebKeySet, JWK } from 'jose'
import { type Answer, uncached } from '../http/answer.js'

export function errorStatus(status: number, retryAfter?: number): Answer {
  const body = { error: 'server_error', error_description: 'A fault on demand.' }
  return uncached(status, body, retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` })
}

export function redirection(location: string): Answer {
  return uncached(302, {}, { location })
}

// UTF-8 text never contains the byte 0xff.
export const rubbish: Answer = uncached(200, Buffer.from('{"keys": \u00ff\u00fe\u0000', 'latin1'))

const loginPage = `<!doctype html>
<html><head><title>Sign in</title></head>
<body><form method="post"><input name="username"><input name="password"></form></body></html>
`

export const html: Answer = uncached(200, Buffer.from(loginPage), {
  'content-type': 'text/html; charset=utf-8',
})

export function noKeys(truth: Answer): Answer {
  return withKeys(truth, () => [])
}

export function badKey(truth: Answer): Answer {
  const bad = { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'bad-key', use: 'sig' }
  return withKeys(truth, (keys) => [bad, ...keys])
}

export function wrongIssuer(truth: Answer): Answer {
  return changed(truth, (metadata) => ({ ...metadata, issuer: 'https://wrong-issuer.example' }))
}

function withKeys(truth: Answer, change: (keys: JWK[]) => JWK[]): Answer {
  return changed(truth, (keySet) => ({ keys: change((keySet as JSONWebKeySet).keys) }))
}

/** A 404 or 405 is passed through unchanged. */
function changed(truth: Answer, change: (body: object) => object): Answer {
  return truth.status === 200 ? { ...truth, body: change(truth.body as object) } : truth
}
