/**
 * Sends `Authorization` headers as bytes on a connection to a running API: any bytes, several
 * headers, all line endings, folded lines, 16 KiB and more, HTTP/1.0. After each case, sends a
 * valid request on the same connection and on a new one. Responses must be valid HTTP, never 5xx,
 * have challenges that parse, and show no part of the token.
 */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import resourceServer from '../../../src/index.js'
import { parseChallenge } from '../../../test/fixtures/challenge-parser.js'
import { forge, NOW } from '../../../test/fixtures/forgery.js'
import { AUDIENCE, ISSUER } from '../../../test/fixtures/issuer.js'
import { type RequestCase, requestCase, VALID_TOKEN } from '../arbitraries/requests.js'
import { type Response, send } from '../harness/connection.js'
import { ed25519 } from '../harness/fixed-keys.js'
import type { Target } from '../target.js'

/** Statuses of the plugin, and of Node and Fastify for invalid HTTP. */
const ALLOWED = new Set([200, 204, 400, 401, 404, 405, 413, 431, 505])

export const authorization: Target<RequestCase> = {
  name: 'authorization',
  share: 0.01,
  cases: requestCase,
  requiredOutcomes: ['200', '400 invalid_request', '401', '401 invalid_token', '431'],
  async open() {
    const signer = ed25519('issuer')
    const app = Fastify()
    await app.register(resourceServer, {
      issuer: ISSUER,
      audience: AUDIENCE,
      jwks: { keys: [signer.publicJwk] },
      now: () => NOW * 1000,
    })
    app.get('/', async () => ({ in: true }))
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const token = forge(signer)
    const validRequest = `GET / HTTP/1.1\r\nhost: api\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n\r\n`
    return {
      async run(testCase) {
        const head = `${testCase.method} / HTTP/${testCase.version}\r\nhost: api\r\n`
        const text = `${head}${testCase.lines.map(written).join('')}\r\n`.replaceAll(
          VALID_TOKEN,
          token,
        )
        const bytes = Buffer.from(text + validRequest, 'latin1')
        const { responses, rest, ended } = await send(port, bytes, testCase.method === 'HEAD')
        assert.ok(rest === '' || ended, `not a response: ${JSON.stringify(rest.slice(0, 200))}`)
        for (const response of responses) requireSafeResponse(response, text)
        const [first, second] = responses
        const expected = expectedFor(testCase)
        if (expected !== undefined && first !== undefined) {
          assert.equal(outcomeOf(first), expected, JSON.stringify(text.slice(0, 2_000)))
        }
        if (second !== undefined && hasChallenge(first))
          assert.ok([200, 400].includes(second.status))
        const after = await send(port, Buffer.from(validRequest), false)
        assert.equal(after.responses[0]?.status, 200, 'a valid request afterwards')
        return outcomeOf(first)
      },
      close: async () => void (await app.close()),
    }
  },
}

function written({ name, between, value, end }: RequestCase['lines'][number]): string {
  return `${name}${between}${value}${end}`
}

function requireSafeResponse({ status, headers, body }: Response, request: string): void {
  assert.ok(ALLOWED.has(status), `${status} for ${JSON.stringify(request.slice(0, 2_000))}`)
  const challenges = headers.filter(([name]) => name === 'www-authenticate')
  for (const [, value] of challenges) parseChallenge(value)
  assert.ok(status !== 401 || challenges.length > 0, 'B6: a 401 without a challenge')
  const shown = headers.flat().join('\n') + body
  for (const part of request.match(/[\w-]{12,}/g) ?? []) {
    // These names of headers occur in both the request and error messages.
    const isOfToken = !/^[Aa]uthorization$|^AUTHORIZATION$|^proxy-authorization$/.test(part)
    assert.ok(!isOfToken || !shown.includes(part), 'B10: a part of the token is in the response')
  }
}

function hasChallenge(response: Response | undefined): boolean {
  return response?.headers.some(([name]) => name === 'www-authenticate') === true
}

function outcomeOf(response: Response | undefined): string {
  if (response === undefined) return 'no response'
  const [, challenge = ''] = response.headers.find(([name]) => name === 'www-authenticate') ?? []
  const [, code = ''] = /error="(\w+)"/.exec(challenge) ?? []
  return `${response.status} ${code}`.trim()
}

/** Replaces the token, so that the grammar determines the expected response. */
const PLACEHOLDER = 'valid.token'

/**
 * Computes the outcome from RFC 6750 §2.1, for a request that is valid except for its credentials.
 */
function expectedFor({ method, version, lines }: RequestCase): string | undefined {
  const isPlain = method === 'GET' && version === '1.1' && lines.every(isPlainLine)
  if (!isPlain || lines.reduce((sum, { value }) => sum + value.length, 0) > 8_000) return undefined
  const given = lines.filter(({ name }) => name.toLowerCase() === 'authorization')
  if (given.length > 1) return '400 invalid_request'
  const value =
    given[0]?.value.replaceAll(VALID_TOKEN, PLACEHOLDER).replace(/^[ \t]+|[ \t]+$/g, '') ?? ''
  if (!/^bearer(?:[ \t]|$)/i.test(value)) return '401'
  const [, token] = /^bearer +([\w.~+/-]+=*)$/i.exec(value) ?? []
  if (token === undefined) return '400 invalid_request'
  return token === PLACEHOLDER ? '200' : '401 invalid_token'
}

function isPlainLine({ name, between, value, end }: RequestCase['lines'][number]): boolean {
  return (
    /^[\w-]+$/.test(name) &&
    /^:[ \t]?$/.test(between) &&
    end === '\r\n' &&
    /^[\t\x20-\x7e\x80-\xff]*$/.test(value.replaceAll(VALID_TOKEN, PLACEHOLDER))
  )
}
