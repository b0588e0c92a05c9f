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
  /** The access token, bound to the key. */
  accessToken: string
  /** The key that the token is bound to. */
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
 * request. If the API responds with `use_dpop_nonce`, the request is sent once more with the nonce;
 * the newest nonce of each origin is cached. Every other response is returned unchanged.
 *
 * The body is read before it is sent. Redirects are not followed, whatever `redirect` says, because
 * the token would be sent to another URL with a proof for the first one. The method, the headers,
 * the body and the signal of the request are used, its other settings are ignored. The URL must be
 * https, or http on a loopback address.
 *
 * ```ts
 * const key = await generateDPoPKey()
 * const { access_token } = await passwordGrant({ ...options, dpop: key })
 * const fetch = dpopFetch({ accessToken: access_token, key })
 * const response = await fetch('http://127.0.0.1:3000/orders')
 * ```
 *
 * @throws {TypeError} if an option is missing, unknown or invalid. The `fetch` rejects with one if
 *   the URL is neither https nor loopback, or `headers` has `authorization` or `dpop`.
 * @see RFC 9449 §7.1, §9
 */
export function dpopFetch(options: DPoPFetchOptions): typeof globalThis.fetch {
  rejectUnknownOptions('dpopFetch', options, KNOWN_OPTIONS)
  // The global is looked up at each call, for mocks and instrumentation that are installed later.
  const { accessToken, key, fetch = (...request) => globalThis.fetch(...request) } = options
  // Checked here, because `fetch` shows an invalid header value in its error.
  if (typeof accessToken !== 'string' || !isToken68(accessToken)) {
    throw new TypeError(
      '"accessToken" must be a string of the characters that RFC 6750 §2.1 allows',
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
