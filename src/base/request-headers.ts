/** Reads the headers of requests. */

/**
 * Returns the values of all headers with a name.
 *
 * @param rawHeaders alternating names and values: only these preserve repeated headers.
 * @param name in lower case.
 */
export function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const headerName = rawHeaders[i] as string
    if (headerName.length === name.length && headerName.toLowerCase() === name) {
      values.push(rawHeaders[i + 1] as string)
    }
  }
  return values
}

/** Whether the text is a token68 (RFC 9110 §11.2), the syntax of every access token in a header. */
export function isToken68(text: string): boolean {
  // Searching for a forbidden character takes half as long as matching allowed ones.
  return text !== '' && !/[^A-Za-z0-9\-._~+/=]/.test(text) && !/^=|=[^=]/.test(text)
}

/** The prefix of an `Authorization` header, as nearly every client writes it. */
export const BEARER_PREFIX = 'Bearer '
