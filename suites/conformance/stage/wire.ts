/** One request, byte by byte, to wherever the API is: what no HTTP client would send can be sent. */
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { parseResponse, type RawResponse } from '../../../test/fixtures/raw-http.js'

export interface Sending {
  readonly method?: string
  /** With the query; after the path of the API's URL. */
  readonly path?: string
  /** Header lines, as they are. */
  readonly lines?: readonly string[]
  readonly body?: string
  /** In place of the host that the URL names. */
  readonly host?: string
  /** The address to connect from, in place of the usual one. */
  readonly from?: string | undefined
}

/** Longer than anything that an API should make its callers wait. */
const PATIENCE = 30_000

export async function sendTo(api: string, sending: Sending): Promise<RawResponse> {
  const { method = 'GET', path = '/', lines = [], body = '' } = sending
  const url = new URL(api)
  const head = [
    `${method} ${url.pathname.replace(/\/$/, '')}${path} HTTP/1.1`,
    `host: ${sending.host ?? url.host}`,
    ...lines,
    ...(body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
    'connection: close',
  ]
  const bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1')
  const answer = parseResponse(await exchange(url, bytes, sending.from))
  const chunked = answer.headers['transfer-encoding']?.join() === 'chunked'
  return chunked ? { ...answer, body: unchunked(answer.body) } : answer
}

function exchange(url: URL, bytes: Uint8Array, from: string | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = open(url, from)
    socket.write(bytes)
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('no response within 30 s')))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', (error) => {
      // Who refuses a long header may close before it was read to its end.
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

/** RFC 9112 §7.1. */
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
