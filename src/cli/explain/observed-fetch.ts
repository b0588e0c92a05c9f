/** Wraps `fetch` and records the issuer's responses, so that advice can be derived from them. */

import { canParseUrl } from '../../base/can-parse-url.js'
import { isJsonObject } from '../../base/json-object.js'
import { isError } from '../../base/native-error.js'
import type { Fetch } from '../../http/fetch.js'
import { readText } from '../../http/fetch-json.js'

/** Maximum size of a response, in bytes: the default of the plugin's option `jwks.maxBytes`. */
const MAX_BYTES = 524_288

export interface Redirect {
  readonly from: string
  readonly to: string
}

export class ObservedFetch {
  /** Whether the user gave the keys, so that none are fetched. */
  areKeysGiven = false
  /** The first redirect of the issuer, which was not followed; `undefined` if there was none. */
  redirect: Redirect | undefined
  /** The keys of the last key set, not validated; `undefined` if no key set was fetched. */
  keys: readonly unknown[] | undefined
  /** The code and message of the last failed connection; `undefined` if there was none. */
  failure: string | undefined

  readonly fetch: Fetch = async (url, init) => {
    const response = await globalThis.fetch(url, init).catch((error) => {
      this.failure = causeOf(error)
      throw error
    })
    const location = response.headers.get('location')
    if (response.status >= 300 && response.status < 400 && location !== null) {
      this.redirect ??= { from: addressOf(url), to: addressOf(location, url) }
    }
    if (response.status !== 200) return response
    const text = await readText(url, response, { maxBytes: MAX_BYTES, signal: init.signal })
    this.keys = keysIn(text) ?? this.keys
    return new Response(text, { headers: response.headers })
  }
}

/** Returns the URL without its query, which may contain a secret. */
function addressOf(url: string, base?: string): string {
  if (!canParseUrl(url, base)) return 'an invalid URL'
  const { origin, pathname } = new URL(url, base)
  return origin + pathname
}

function keysIn(text: string): readonly unknown[] | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return isJsonObject(body) && Array.isArray(body.keys) ? body.keys : undefined
  } catch {
    return undefined
  }
}

/**
 * Describes the innermost of at most three nested causes, because the error of `fetch` itself only
 * says "fetch failed". Returns `undefined` if the error has neither a cause nor a code.
 */
function causeOf(error: unknown): string | undefined {
  let description: string | undefined
  for (let at = error, depth = 0; isError(at) && depth < 4; at = at.cause, depth++) {
    const { code, message } = at as NodeJS.ErrnoException
    const words = [code, message].filter((word) => typeof word === 'string' && word !== '')
    if (depth > 0 || code !== undefined) description = words.join(', ')
  }
  return description
}
