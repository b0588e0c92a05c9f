/** Recognizes URLs of an issuer's documents, which are often mistaken for the issuer identifier. */

/** Path of a well-known URI (RFC 8615), which is never part of an issuer identifier. */
const WELL_KNOWN = /\/\.well-known(?:\/([^/]*))?/i
/** Paths under which common authorization servers, such as Keycloak, publish their key set. */
const KEY_SET =
  /\/(?:protocol\/openid-connect\/certs|(?:oauth2?\/)?v\d\/(?:keys|certs)|discovery\/(?:v\d\.\d\/)?keys|(?:(?:oauth2?|openid)\/)?(?:jwks?|certs)(?:\.json)?)\/?$/i

/**
 * Returns why the URL is not an issuer identifier, with the fix; `undefined` if it may be one.
 *
 * @param isFetched whether metadata is fetched from the identifier. If false, a key set path
 *   outside `/.well-known/` is no error.
 */
export function documentAddressError(
  { origin, pathname }: URL,
  isFetched: boolean,
): string | undefined {
  const [wellKnown, name = ''] = WELL_KNOWN.exec(pathname) ?? []
  if (wellKnown !== undefined && !/^jwks?\b/i.test(name)) {
    const issuer = origin + pathname.replace(wellKnown, '')
    return `is the URL of a metadata document. Use the issuer identifier in it, such as ${issuer}`
  }
  const keySet = wellKnown ?? (isFetched ? KEY_SET.exec(pathname)?.[0] : undefined)
  if (keySet === undefined) return undefined
  const issuer = origin + pathname.replace(keySet, '')
  return (
    `is the URL of a key set, which belongs in "jwksUri". Use the issuer identifier, exactly as in ` +
    `the "iss" of tokens, such as ${issuer}`
  )
}
