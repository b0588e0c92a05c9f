/** Reads the headers of requests, as Node keeps them. */

/**
 * Returns the values of all headers with a name.
 *
 * @param rawHeaders names and values in turn: only they show that a header was sent twice.
 * @param name in lower case.
 */
export function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const sent = rawHeaders[i] as string
    if (sent.length === name.length && sent.toLowerCase() === name) {
      values.push(rawHeaders[i + 1] as string)
    }
  }
  return values
}

/**
 * Whether the text may follow the scheme of an `Authorization` header (RFC 9110 §11.2): the
 * outermost form of every access token.
 */
export function isToken68(text: string): boolean {
  // Searching for a forbidden character takes half as long as matching the allowed ones.
  return text !== '' && !/[^A-Za-z0-9\-._~+/=]/.test(text) && !/^=|=[^=]/.test(text)
}

/** What stands before the token in a header, as nearly every client writes it. */
export const USUAL_BEARER = 'Bearer '
