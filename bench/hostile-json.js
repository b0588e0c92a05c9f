/**
 * Measures forged tokens whose claims an attacker made costly to parse: the CPU time of `verify()`,
 * of `JSON.parse` alone for the same claims, and of one bare signature verification.
 *
 *     npm run build && node bench/hostile-json.js [characters of JSON]
 */
import { generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { createResourceServer } from '../dist/index.js'
import { HOSTILE_JSON } from '../test/fixtures/hostile-json.js'

const ISSUER = 'https://issuer.example'
const COUNT = 500
const length = Number(process.argv[2] ?? 6_000)

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }
const server = await createResourceServer({
  issuer: ISSUER,
  audience: 'api',
  jwks: { keys: [jwk] },
  maxTokenLength: 65_536,
})
const header = encoded('{"alg":"RS256","kid":"k","typ":"at+jwt"}')
const start = `{"iss":"${ISSUER}","aud":"api","sub":"s","jti":"j","iat":1,"exp":9999999999`
const PLAIN = { 'plain claims': (beginning) => `${beginning}}` }

print('claims', 'verify()', 'JSON.parse', 'one RS256 verification')
for (const [name, payload] of Object.entries({ ...PLAIN, ...HOSTILE_JSON })) {
  const texts = Array.from({ length: 2 * COUNT }, () => payload(start, length))
  const tokens = texts.map((text) => `${header}.${encoded(text)}.${signature()}`)
  await cpu(tokens.slice(0, COUNT), verifyRejected)
  const ours = await cpu(tokens.slice(COUNT), verifyRejected)
  const parse = await cpu(texts.slice(COUNT), (text) => void JSON.parse(text))
  const bare = await cpu(tokens.slice(COUNT), bareVerification)
  print(name, ...[ours, parse, bare].map((microseconds) => `${microseconds.toFixed(0)} µs`))
}
await server.close()

async function verifyRejected(token) {
  const result = await server.verify(token).catch(({ check }) => check)
  if (result !== 'signature') throw new Error(`Expected a "signature" rejection, got ${result}`)
}

function bareVerification(token) {
  const end = token.lastIndexOf('.')
  const bytes = Buffer.from(token.slice(end + 1), 'base64url')
  verify('sha256', Buffer.from(token.slice(0, end)), publicKey, bytes)
}

/** Returns the mean CPU time for an input, in microseconds. */
async function cpu(inputs, work) {
  globalThis.gc?.()
  const before = process.cpuUsage()
  for (const input of inputs) await work(input)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / inputs.length
}

function signature() {
  const bytes = randomBytes(256)
  // OpenSSL rejects a number above the modulus before the costly arithmetic.
  bytes[0] = 0
  return bytes.toString('base64url')
}

function encoded(text) {
  return Buffer.from(text).toString('base64url')
}

function print(name, ...columns) {
  console.log(name.padEnd(32), ...columns.map((column) => column.padStart(12)))
}
