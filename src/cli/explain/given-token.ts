/**
 * Extracts the token from the input. Users paste quotation marks, whole header lines and token
 * responses: an API rejects these. `explain` reports the rejection, and still explains the token.
 */
import { parseJsonObject } from '../../base/json-object.js'
import { isToken68 } from '../../base/request-headers.js'

export interface GivenToken {
  /** The `Authorization` header of a request with the unchanged input. */
  readonly authorization: string
  /** The token that is explained. */
  readonly token: string
  /** What was removed to extract the token; empty if the input had nothing else in it. */
  readonly removed: readonly string[]
}

const HEADER_NAME = /^authorization:[ \t]*/i
const SCHEME = /^(?:bearer|dpop)(?:\s+|$)/i

/** @param text a header line, its value, or a token, with optional whitespace around it. */
export function readGivenToken(text: string): GivenToken {
  // HTTP clients trim the value of a header too.
  const given = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')
  const value = given.replace(HEADER_NAME, '')
  const isHeader = value !== given || SCHEME.test(value)
  const authorization = isHeader ? value : `Bearer ${value}`
  const token = value.replace(SCHEME, '')
  if (token === '' || isToken68(token)) return { authorization, token, removed: [] }
  const found = extract(token)
  return found === undefined ? { authorization, token, removed: [] } : { authorization, ...found }
}

type Removal = (text: string) => { readonly text: string; readonly removed: string } | undefined

/** Each removes one layer, from the outside in. */
const REMOVALS: readonly Removal[] = [
  (text) => {
    const accessToken = parseJsonObject(text)?.access_token
    if (typeof accessToken !== 'string') return undefined
    return { text: accessToken, removed: 'the JSON around "access_token"' }
  },
  removing(/^"?access_token"?\s*[:=]\s*/i, '', 'the name "access_token"'),
  removing(/^\$?(["'`])([\s\S]*)\1[,;]?$/, '$2', 'the quotation marks'),
  removing(/^[“”„‘’]([\s\S]*)[“”‘’]$/, '$1', 'the quotation marks'),
  removing(/^authorization\s*:\s*/i, '', 'the header name'),
  removing(/^bearer\s+/i, '', 'a second "Bearer"'),
  removing(/^dpop\s+/i, '', 'a second scheme'),
  removing(/\s*[,;]$/, '', 'the trailing comma'),
]

function removing(pattern: RegExp, replacement: string, removed: string): Removal {
  return (text) =>
    pattern.test(text) ? { text: text.replace(pattern, replacement), removed } : undefined
}

/** Returns `undefined` if no token is found. */
function extract(given: string): Pick<GivenToken, 'token' | 'removed'> | undefined {
  let text = given
  const removed: string[] = []
  // Each removal shortens the text; more layers than these were not pasted by mistake.
  for (let layers = 0; layers < 8 && !isToken68(text); layers++) {
    const removal = REMOVALS.map((remove) => remove(text)).find((result) => result !== undefined)
    if (removal === undefined) break
    text = removal.text.trim()
    removed.push(removal.removed)
  }
  if (isToken68(text)) return { token: text, removed }
  const joined = text.replace(/\s+/g, '')
  if (/[\r\n]/.test(text) && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(joined)) {
    return { token: joined, removed: [...removed, 'the line breaks in it'] }
  }
  const [jwt, ...others] = given.match(/eyJ[\w-]*\.[\w-]+\.[\w-]+/g) ?? []
  if (jwt === undefined || others.length > 0) return undefined
  return { token: jwt, removed: ['everything around the JWT'] }
}
