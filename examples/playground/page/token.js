/** Decodes and modifies tokens. Does not verify them: only the API does. */

export function decode(token) {
  const [header, claims] = token.split('.')
  return { header: JSON.parse(fromBase64url(header)), claims: JSON.parse(fromBase64url(claims)) }
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
