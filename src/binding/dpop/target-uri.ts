/**
 * Whether two URLs name the same resource, but for query and fragment (RFC 9449 §4.3, check 9), after
 * the normalization of RFC 3986 §6.2.2 and §6.2.3.
 */

/** @param htu of a proof. */
export function isSameTarget(htu: string, target: string): boolean {
  // As nearly every client writes it.
  if (htu === target.split('?', 1)[0]) return true
  const normal = normalized(htu)
  return normal !== undefined && normal === normalized(target)
}

function normalized(text: string): string | undefined {
  // Before the parser: it mends what no URI has, such as line breaks and backslashes.
  if (!/^https?:\/\/[\x21-\x5b\x5d-\x7e]+$/i.test(text) || !URL.canParse(text)) return undefined
  const { protocol, host, username, password, pathname } = new URL(text)
  if (username !== '' || password !== '') return undefined
  return `${protocol}//${host}${pathname.replace(/%[0-9a-f]{2}/gi, normalizedOctet)}`
}

/** Decoded where it need not be encoded, in upper case where it must (§6.2.2.1, §6.2.2.2). */
function normalizedOctet(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : encoded.toUpperCase()
}
