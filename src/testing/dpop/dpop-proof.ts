import { createHash, randomUUID } from 'node:crypto'
import { canParseUrl } from '../../base/can-parse-url.js'
import { rejectUnknownOptions } from '../known-options.js'
import { type DPoPKey, generateDPoPKey, requireDPoPKey } from './dpop-key.js'

/** Options of `dpopProof`. */
export interface DPoPProofOptions {
  /** The key that signs the proof. Default: a new ES256 key, to which no token is bound. */
  key?: DPoPKey | undefined
  /** The HTTP method of the request. Default `GET`. */
  method?: string | undefined
  /** The absolute URL of the request. The claim `htu` contains it without query and fragment. */
  url: string | URL
  /**
   * The access token of the request, whose hash becomes the claim `ath`. Default: the proof has no
   * `ath`, as for a request to the token endpoint.
   */
  accessToken?: string | undefined
  /** The value of the server's `DPoP-Nonce` header. Default: the proof has no `nonce`. */
  nonce?: string | undefined
  /** Returns the current time, in milliseconds since the epoch. Default `Date.now`. */
  now?: (() => number) | undefined
  /** Claims that override the default claims. A claim that is set to `undefined` is left out. */
  claims?: { readonly [name: string]: unknown } | undefined
  /**
   * Members of the header that override the default members. A member that is set to `undefined` is
   * left out. If `alg` is `none`, the signature is empty; with any other `alg`, the key signs with
   * its own algorithm.
   */
  header?: { readonly [name: string]: unknown } | undefined
}

const KNOWN_OPTIONS = [
  'key',
  'method',
  'url',
  'accessToken',
  'nonce',
  'now',
  'claims',
  'header',
] as const satisfies readonly (keyof DPoPProofOptions)[]

/**
 * Creates a DPoP proof for one request. The proof is valid by default; with `claims` and `header`,
 * a test can make it invalid, because these overrides are not validated.
 *
 * ```ts
 * const key = await generateDPoPKey()
 * const accessToken = await server.issueToken({}, { confirmation: { key } })
 * const proof = await dpopProof({ key, url: 'http://127.0.0.1:3000/orders', accessToken })
 * ```
 *
 * @throws {TypeError} if an option is missing, unknown or invalid
 * @see RFC 9449 §4.2
 */
export async function dpopProof(options: DPoPProofOptions): Promise<string> {
  requireOptions(options)
  const { method = 'GET', accessToken, nonce, now = Date.now } = options
  const { origin, pathname } = new URL(options.url)
  const key = options.key ?? (await generateDPoPKey())
  const header = { typ: 'dpop+jwt', alg: key.algorithm, jwk: key.jwk, ...options.header }
  const claims = {
    jti: randomUUID(),
    htm: method,
    htu: origin + pathname,
    iat: Math.floor(now() / 1000),
    ath: accessToken && createHash('sha256').update(accessToken).digest('base64url'),
    nonce,
    ...options.claims,
  }
  const input = `${encodeSegment(header)}.${encodeSegment(claims)}`
  return `${input}.${options.header?.alg === 'none' ? '' : await signature(key, input)}`
}

function requireOptions(options: DPoPProofOptions): void {
  rejectUnknownOptions('dpopProof', options, KNOWN_OPTIONS)
  const { key, url, now } = options
  if (key !== undefined) requireDPoPKey('key', key)
  if (!canParseUrl(String(url))) {
    throw new TypeError('"url" must be an absolute URL, such as https://example.com/orders')
  }
  for (const name of ['method', 'accessToken', 'nonce'] as const) {
    if (
      options[name] !== undefined &&
      (typeof options[name] !== 'string' || options[name] === '')
    ) {
      throw new TypeError(`"${name}" must be a non-empty string`)
    }
  }
  if (now !== undefined && typeof now !== 'function') {
    throw new TypeError('"now" must be a function that returns milliseconds since the epoch')
  }
}

function encodeSegment(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/**
 * Returns the signature in base64url. Signs with Web Crypto and not with jose, because jose rejects
 * invalid headers.
 */
async function signature({ algorithm, privateKey }: DPoPKey, input: string): Promise<string> {
  const bits = Number(algorithm.slice(2))
  const { name } = privateKey.algorithm
  const parameters = name === 'Ed25519' ? name : { name, hash: `SHA-${bits}`, saltLength: bits / 8 }
  const bytes = await crypto.subtle.sign(parameters, privateKey, Buffer.from(input))
  return Buffer.from(bytes).toString('base64url')
}
