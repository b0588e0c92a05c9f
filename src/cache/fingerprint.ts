/**
 * The end of a token: the end of its signature, as good as random, so that a look-up hashes 22
 * characters (132 bits) and not 900. Whoever finds something by it compares the whole token.
 */
export function tailOf(raw: string): string {
  return raw.slice(-22)
}

/**
 * 30 bits of the same, as a number: of a token, or of a header that ends in it. No string is made or
 * hashed for it. Whoever finds something by it compares all of the text. Only tokens that an issuer
 * signed are looked up against, so nobody can make look-alikes to crowd them.
 */
export function fingerprintOf(text: string): number {
  let bits = 0
  // The last character of a signature holds bits that are always zero.
  for (let i = text.length - 2; i > text.length - 8; i--) {
    bits = ((bits << 5) | (bits >>> 25)) ^ text.charCodeAt(i)
  }
  return bits & 0x3fff_ffff
}
