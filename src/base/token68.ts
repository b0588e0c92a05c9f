/**
 * Whether it is what RFC 9110 §11.2 lets stand after the scheme of an `Authorization` header: the
 * outermost form of every access token.
 */
export function isToken68(text: string): boolean {
  // A look for what doesn't belong there takes half as long as one for what does.
  return text !== '' && !/[^A-Za-z0-9\-._~+/=]/.test(text) && !/^=|=[^=]/.test(text)
}

/** What stands before the token in a header, as nearly every client writes it. */
export const USUAL_BEARER = 'Bearer '
