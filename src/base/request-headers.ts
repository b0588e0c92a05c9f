/** Reads request headers. */

/**
 * Returns the values of all headers with this name; an empty array if there is none.
 *
 * @param rawHeaders alternating names and values, as in `request.raw.rawHeaders`, because Node's
 *   `headers` drop some repeated headers.
 * @param name the name in lower case.
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

/** The prefix of an `Authorization` header, in the spelling that nearly every client uses. */
export const BEARER_PREFIX = 'Bearer '
