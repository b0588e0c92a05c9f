/** Sends a request as bytes, including requests that no HTTP client would send. */
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { parseResponse, type RawResponse } from '../../../test/fixtures/raw-http.js'

export interface RawRequest {
  readonly method?: string
  /** Path and query, relative to the URL of the API. */
  readonly path?: string
  /** Header lines, sent unchanged. */
  readonly lines?: readonly string[]
  readonly body?: string
  /** Default: the host of the URL. */
  readonly host?: string
  /** Local address of the connection. */
  readonly from?: string | undefined
}

/** Longer than an API should take for any response. */
const TIMEOUT_MS = 30_000

export async function sendRaw(api: string, request: RawRequest): Promise<RawResponse> {
  const { method = 'GET', path = '/', lines = [], body = '' } = request
  const url = new URL(api)
  const head = [
    `${method} ${url.pathname.replace(/\/$/, '')}${path} HTTP/1.1`,
    `host: ${request.host ?? url.host}`,
    ...lines,
    ...(body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
    'connection: close',
  ]
  const bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1')
  const response = parseResponse(await exchange(url, bytes, request.from))
  const chunked = response.headers['transfer-encoding']?.join() === 'chunked'
  return chunked ? { ...response, body: unchunked(response.body) } : response
}

function exchange(url: URL, bytes: Uint8Array, from: string | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = open(url, from)
    socket.write(bytes)
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no response within 30 s')))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', (error) => {
      // A server that rejects a long header may close the connection before it has read all of it.
      if (chunks.length === 0) reject(error)
    })
    socket.on('close', () => resolve(Buffer.concat(chunks)))
  })
}

function open({ protocol, hostname, port }: URL, from: string | undefined): Socket {
  const host = hostname.replace(/^\[|\]$/g, '')
  const local = from === undefined ? {} : { localAddress: from }
  if (protocol === 'http:') return connectPlain({ host, port: Number(port || 80), ...local })
  return connectTls({ host, port: Number(port || 443), servername: host, ...local })
}

/** Decodes a chunked body (RFC 9112 §7.1). */
function unchunked(text: string): string {
  const parts: string[] = []
  let at = 0
  while (at < text.length) {
    const end = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, end), 16)
    if (end < 0 || !(size > 0)) break
    parts.push(text.slice(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
  return parts.join('')
}
