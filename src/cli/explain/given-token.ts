/**
 * Extracts the token from the input, which may be a header line. Users also paste text around the
 * token, such as quotation marks or the JSON of a token response. An API rejects such input:
 * `explain` reports the rejection, and still explains the token.
 *
 * The input may be hostile, so each regular expression takes linear time. If a match could begin at
 * each character of a run, such as at each of many blanks, each attempt would search the rest of the
 * run. There, a negative lookbehind permits a match only at the first character.
 */
import { parseJsonObject } from '../../base/json-object.js'
import { isToken68 } from '../../base/request-headers.js'

export interface GivenToken {
  /** Value of the `Authorization` header of a request with the unchanged input. */
  readonly authorization: string
  /** The token to explain; empty if the input has none. */
  readonly token: string
  /** Whether the input is the value of a header or a header line, and not a token alone. */
  readonly isHeader: boolean
  /** The names of the parts of the input that were removed to extract the token; may be empty. */
  readonly removed: readonly string[]
}

const HEADER_NAME = /^authorization:[ \t]*/i
/** Matches the header in a command line, a request, or an object of headers. */
const HEADER_WITHIN = /(?<![\w-])authorization["']?\s*[:=]\s*["'`]?([^"'`\r\n]+)/i
const SCHEME = /^(?:bearer|dpop)(?:\s+|$)/i
/** Matches another scheme, as in a header value that begins with `JWT eyJ`. */
const OTHER_SCHEME = /^(?:(?:bearer:|[a-z-]+)[ \t]+eyJ|basic[ \t])/i

/**
 * Returns the token and the credentials that the input contains.
 *
 * @param text a header line, also within other text such as a command line; the value of a header;
 *   or a token. Whitespace around it is ignored.
 */
export function readGivenToken(text: string): GivenToken {
  // Whitespace at both ends is ignored, because HTTP clients trim header values too.
  const given = text.replace(/^[ \t\r\n]+|(?<![ \t\r\n])[ \t\r\n]+$/g, '')
  const value =
    HEADER_NAME.test(given) || SCHEME.test(given)
      ? given.replace(HEADER_NAME, '')
      : (HEADER_WITHIN.exec(given)?.[1]?.trim() ?? given)
  const isHeader = value !== given || SCHEME.test(value) || OTHER_SCHEME.test(value)
  const authorization = isHeader ? value : `Bearer ${value}`
  const token = value.replace(SCHEME, '')
  const found = token === '' || isToken68(token) ? undefined : extract(token)
  return { authorization, isHeader, token, removed: [], ...found }
}

type Removal = (text: string) => { readonly text: string; readonly removed: string } | undefined

/**
 * Each function removes one layer around the token, or returns `undefined` if the layer is absent.
 */
const REMOVALS: readonly Removal[] = [
  (text) => {
    const accessToken = parseJsonObject(text)?.access_token
    if (typeof accessToken !== 'string') return undefined
    return { text: accessToken, removed: 'the JSON around "access_token"' }
  },
  (text) => {
    const decoded = percentDecoded(text)
    return decoded === text ? undefined : { text: decoded, removed: 'the percent-encoding' }
  },
  removing(/^"?access_token"?\s*[:=]\s*/i, '', 'the name "access_token"'),
  removing(/^\$?(["'`])([\s\S]*)\1[,;]?$/, '$2', 'the quotation marks'),
  removing(/^[“”„‘’]([\s\S]*)[“”‘’]$/, '$1', 'the quotation marks'),
  removing(/^authorization\s*:\s*/i, '', 'the header name'),
  removing(/^bearer\s+/i, '', 'a second "Bearer"'),
  removing(/^dpop\s+/i, '', 'a second scheme'),
  removing(/(?<!\s)\s*[,;]$/, '', 'the trailing comma'),
]

/** Returns the text itself if it is not percent-encoded. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function removing(pattern: RegExp, replacement: string, removed: string): Removal {
  return (text) =>
    pattern.test(text) ? { text: text.replace(pattern, replacement), removed } : undefined
}

/** Matches a JWS of three parts, or a JWE of five, the second of which may be empty. */
const COMPACT = /^[\w-]+\.(?:[\w-]+\.[\w-]+|[\w-]*(?:\.[\w-]+){3})$/

/** Matches the same within a text. The header begins with `{"`. */
const COMPACT_WITHIN = /(?<!eyJ[\w-]*?)eyJ[\w-]*\.(?:[\w-]*(?:\.[\w-]+){3}|[\w-]+\.[\w-]+)/g

/** Returns the token in the text; `undefined` if no token is found. */
function extract(given: string): Pick<GivenToken, 'token' | 'removed'> | undefined {
  let text = given
  const removed: string[] = []
  // Stops after 8 layers, because copying mistakes rarely put more layers around a token.
  for (let layers = 0; layers < 8 && !isToken68(text); layers++) {
    const removal = REMOVALS.map((remove) => remove(text)).find((result) => result !== undefined)
    if (removal === undefined) break
    text = removal.text.trim()
    removed.push(removal.removed)
  }
  if (isToken68(text)) return { token: text, removed }
  const joined = text.replace(/\s+/g, '')
  if (/[\r\n]/.test(text) && COMPACT.test(joined)) {
    return { token: joined, removed: [...removed, 'the line breaks within the token'] }
  }
  const [jwt, ...others] = given.match(COMPACT_WITHIN) ?? []
  if (jwt === undefined || others.length > 0) return undefined
  return { token: jwt, removed: ['everything around the JWT'] }
}
