/** Decodes and modifies tokens. Does not verify them: only the API does. */

/** Returns the header and the claims, which are `undefined` if the token is encrypted. */
export function decode(token) {
  const [header, ...others] = token.split('.')
  const claims = others.length === 2 ? JSON.parse(fromBase64url(others[0])) : undefined
  return { header: JSON.parse(fromBase64url(header)), claims }
}

/** Replaces the subject and keeps the signature. */
export function tamper(token) {
  const [header, , signature] = token.split('.')
  const claims = { ...decode(token).claims, sub: 'another-user' }
  return [header, toBase64url(JSON.stringify(claims)), signature].join('.')
}

function fromBase64url(text) {
  const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)))
}

function toBase64url(text) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text))
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
