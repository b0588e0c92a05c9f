import {
  allowInsecureRequests,
  customFetch,
  type DPoPHandle,
  isDPoPNonceError,
  protectedResourceRequest,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import { isToken68 } from '../../base/request-headers.js'
import { isLoopback } from '../../http/secure-url.js'
import { rejectUnknownOptions } from '../known-options.js'
import { createDPoPHandle } from './dpop-handle.js'
import { type DPoPKey, requireDPoPKey } from './dpop-key.js'

/** Options of `dpopFetch`. */
export interface DPoPFetchOptions {
  /** The access token, which must be bound to `key`. */
  accessToken: string
  /** The key that signs the proofs. */
  key: DPoPKey
  /** Replaces the global `fetch`, for a proxy or a private certificate authority. */
  fetch?: typeof globalThis.fetch | undefined
}

const KNOWN_OPTIONS = [
  'accessToken',
  'key',
  'fetch',
] as const satisfies readonly (keyof DPoPFetchOptions)[]

/**
 * Returns a `fetch` that sends the access token as `Authorization: DPoP` with a new proof for each
 * request. If the API responds with `use_dpop_nonce`, the returned function sends the request once
 * more with the nonce. The function returns every other response unchanged, and caches the newest
 * nonce of each origin, for at most 100 origins.
 *
 * The returned function uses the method, the headers, the body and the signal of the request, and
 * ignores other settings. It reads the whole body before it sends the request. It never follows
 * redirects, even if `redirect` is `'follow'`: otherwise the other URL would receive the token,
 * with a proof for the first URL. The URL must be https, or http on a loopback address.
 *
 * ```ts
 * const key = await generateDPoPKey()
 * const { access_token } = await passwordGrant({ ...options, dpop: key })
 * const fetch = dpopFetch({ accessToken: access_token, key })
 * const response = await fetch('http://127.0.0.1:3000/orders')
 * ```
 *
 * @throws {TypeError} if an option is missing, unknown or invalid. The returned function rejects
 *   with a `TypeError` if the URL is neither https nor http on a loopback address, or if the
 *   request has the header `authorization` or `dpop`.
 * @see RFC 9449 §7.1, §9
 */
export function dpopFetch(options: DPoPFetchOptions): typeof globalThis.fetch {
  rejectUnknownOptions('dpopFetch', options, KNOWN_OPTIONS)
  // The default reads the global `fetch` at each call, so that mocks and instrumentation that are
  // installed later take effect.
  const { accessToken, key, fetch = (...request) => globalThis.fetch(...request) } = options
  // Checked here, because `fetch` would reject an invalid token with an error that contains it.
  if (typeof accessToken !== 'string' || !isToken68(accessToken)) {
    throw new TypeError(
      '"accessToken" must be a non-empty string of letters, digits and -._~+/, optionally followed by = (RFC 6750 §2.1)',
    )
  }
  requireDPoPKey('key', key)
  if (typeof fetch !== 'function') {
    throw new TypeError('"fetch" must be a function with the signature of the global fetch')
  }
  const dpopHandle = createDPoPHandle(key)
  return async (input, init) => {
    const request = new Request(input, init)
    requireSendable(request)
    const body = request.body === null ? null : await request.arrayBuffer()
    const send = () => sendWithProof(request, body, { accessToken, dpopHandle, fetch })
    const { response, wantsNonce } = await send()
    if (!wantsNonce) return response
    await response.body?.cancel()
    return (await send()).response
  }
}

interface Transport {
  accessToken: string
  dpopHandle: DPoPHandle
  fetch: typeof globalThis.fetch
}

async function sendWithProof(
  { method, url, headers, signal }: Request,
  body: ArrayBuffer | null,
  { accessToken, dpopHandle, fetch }: Transport,
): Promise<{ response: Response; wantsNonce: boolean }> {
  try {
    const response = await protectedResourceRequest(
      accessToken,
      method,
      new URL(url),
      headers,
      body && new Uint8Array(body),
      {
        DPoP: dpopHandle,
        signal,
        [allowInsecureRequests]: true,
        [customFetch]: (url, init) => fetch(url, init as RequestInit),
      },
    )
    return { response, wantsNonce: false }
  } catch (error) {
    if (!(error instanceof WWWAuthenticateChallengeError)) throw error
    return { response: error.response, wantsNonce: isDPoPNonceError(error) }
  }
}

function requireSendable({ url, headers }: Request): void {
  const { protocol } = new URL(url)
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(new URL(url)))) {
    throw new TypeError('The URL must be https; http is allowed only for loopback addresses')
  }
  if (headers.has('authorization') || headers.has('dpop')) {
    throw new TypeError('"headers" must not contain "authorization" or "dpop": dpopFetch sets them')
  }
}
