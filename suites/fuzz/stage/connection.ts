/** What a server sends in return for bytes, read as strictly as any client might (RFC 9112 §4, §5). */
import assert from 'node:assert/strict'
import { connect } from 'node:net'

export interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export interface Exchanged {
  readonly answers: readonly Answer[]
  /** What came after the last whole answer. */
  readonly rest: string
  /** Whether it was us who gave up: the server waited for more. */
  readonly ended: boolean
}

/** Milliseconds without a byte after which the server is told that no more comes. */
const PATIENCE = 300

/** Sends bytes, and reads until the connection ends. The last request asks for that. */
export async function send(port: number, bytes: Buffer, heads: boolean): Promise<Exchanged> {
  const { text, ended } = await exchanged(port, bytes)
  const answers: Answer[] = []
  let rest = text
  while (rest !== '') {
    const one = answerIn(rest, heads)
    if (one === undefined) break
    answers.push(one.answer)
    rest = one.rest
  }
  return { answers, rest, ended }
}

function exchanged(port: number, bytes: Buffer): Promise<{ text: string; ended: boolean }> {
  return new Promise((resolve) => {
    let text = ''
    let ended = false
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('latin1')
    socket.setTimeout(PATIENCE, () => {
      ended = true
      socket.end()
    })
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    // A server that refuses a long header closes before it was read to its end.
    socket.on('error', () => {})
    socket.on('close', () => resolve({ text, ended }))
  })
}

function answerIn(text: string, heads: boolean): { answer: Answer; rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const [, status] = /^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e]*$/.exec(statusLine) ?? []
  assert.ok(status, `no status line: ${JSON.stringify(statusLine)}`)
  const headers = lines.map((line) => {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\x20-\x7e]*)$/.exec(line) ?? []
    assert.ok(name !== undefined && value !== undefined, `no header: ${JSON.stringify(line)}`)
    return [name.toLowerCase(), value] as const
  })
  const [, length = '0'] = headers.find(([name]) => name === 'content-length') ?? []
  // The answer to HEAD tells the length of a body that doesn't come.
  const bodyLength = heads && !text.startsWith('{', end + 4) ? 0 : Number(length)
  const body = text.slice(end + 4, end + 4 + bodyLength)
  if (body.length < bodyLength) return undefined
  return {
    answer: { status: Number(status), headers, body },
    rest: text.slice(end + 4 + bodyLength),
  }
}
