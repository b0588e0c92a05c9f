/** Sends raw bytes to a server and parses the responses strictly (RFC 9112 §4, §5). */
import assert from 'node:assert/strict'
import { connect } from 'node:net'

export interface Response {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export interface Exchange {
  readonly responses: readonly Response[]
  /** Bytes after the last complete response. */
  readonly rest: string
  /** Whether the client closed the connection because the server was waiting for more input. */
  readonly ended: boolean
}

/** Time without a received byte after which the client ends its side of the connection. */
const IDLE_TIMEOUT_MS = 300

/**
 * Sends bytes and reads until the connection closes, so the last request must contain
 * `connection: close`.
 */
export async function send(port: number, bytes: Buffer, heads: boolean): Promise<Exchange> {
  const { text, ended } = await exchange(port, bytes)
  const responses: Response[] = []
  let rest = text
  while (rest !== '') {
    const parsed = parseResponse(rest, heads)
    if (parsed === undefined) break
    responses.push(parsed.response)
    rest = parsed.rest
  }
  return { responses, rest, ended }
}

function exchange(port: number, bytes: Buffer): Promise<{ text: string; ended: boolean }> {
  return new Promise((resolve) => {
    let text = ''
    let ended = false
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('latin1')
    socket.setTimeout(IDLE_TIMEOUT_MS, () => {
      ended = true
      socket.end()
    })
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    // A server that rejects a long header closes the connection before reading the whole header.
    socket.on('error', () => {})
    socket.on('close', () => resolve({ text, ended }))
  })
}

function parseResponse(
  text: string,
  heads: boolean,
): { response: Response; rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const [, status] = /^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e]*$/.exec(statusLine) ?? []
  assert.ok(status, `invalid status line: ${JSON.stringify(statusLine)}`)
  const headers = lines.map((line) => {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\x20-\x7e]*)$/.exec(line) ?? []
    assert.ok(name !== undefined && value !== undefined, `invalid header: ${JSON.stringify(line)}`)
    return [name.toLowerCase(), value] as const
  })
  const [, length = '0'] = headers.find(([name]) => name === 'content-length') ?? []
  // A response to HEAD has the Content-Length of a body that is not sent.
  const bodyLength = heads && !text.startsWith('{', end + 4) ? 0 : Number(length)
  const body = text.slice(end + 4, end + 4 + bodyLength)
  if (body.length < bodyLength) return undefined
  return {
    response: { status: Number(status), headers, body },
    rest: text.slice(end + 4 + bodyLength),
  }
}
