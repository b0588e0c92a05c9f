/** Ed25519 keys of small order, which verify signatures that anyone can compute. The expected results come from curve arithmetic. */
import { createPublicKey, verify } from 'node:crypto'
import t from 'tap'
import { isOfSmallOrder } from '../../src/keys/small-order.js'
import { importVerificationKey } from '../../src/keys/verification-key.js'
import { makeKey } from '../fixtures/issuer.js'

const P = 2n ** 255n - 19n
const mod = (a: bigint) => ((a % P) + P) % P

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, mod(base)]
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = mod(result * square)
    square = mod(square * square)
  }
  return result
}

const D = mod(-121_665n * power(121_666n, P - 2n))
const ROOT = power(2n, (P - 1n) / 4n)
type Point = readonly [x: bigint, y: bigint]

/** RFC 8032 §5.1.3, except that a y beyond the prime is accepted, as OpenSSL accepts it. */
function pointAt(y: bigint): Point | undefined {
  const x2 = mod((y * y - 1n) * power(mod(D * y * y + 1n), P - 2n))
  let x = power(x2, (P + 3n) / 8n)
  if (mod(x * x - x2) !== 0n) x = mod(x * ROOT)
  return mod(x * x - x2) === 0n ? [x, mod(y)] : undefined
}

function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const k = mod(D * x1 * x2 * y1 * y2)
  return [
    mod((x1 * y2 + x2 * y1) * power(1n + k, P - 2n)),
    mod((y1 * y2 + x1 * x2) * power(1n - k, P - 2n)),
  ]
}

function hasSmallOrder(point: Point): boolean {
  const two = add(point, point)
  const four = add(two, two)
  const [x, y] = add(four, four)
  return x === 0n && y === 1n
}

function littleEndian(y: bigint, sign: 0n | 1n): Buffer {
  const hex = (y | (sign << 255n)).toString(16).padStart(64, '0')
  return Buffer.from(hex, 'hex').reverse()
}

/** All y of the eight points, and the values that are equal to them unless reduced first. */
function smallOrders(): bigint[] {
  const found = new Set<bigint>([0n, 1n, P - 1n])
  // Twice a point of order eight has y = 0, so x^2 = -y^2 there, and d y^4 + 2 y^2 - 1 = 0.
  const root = (a: bigint): bigint | undefined => {
    let x = power(a, (P + 3n) / 8n)
    if (mod(x * x - a) !== 0n) x = mod(x * ROOT)
    return mod(x * x - a) === 0n ? x : undefined
  }
  const s = root(mod(1n + D)) as bigint
  for (const sign of [s, mod(-s)]) {
    const y = root(mod((-1n + sign) * power(D, P - 2n)))
    if (y !== undefined) found.add(y).add(mod(-y))
  }
  return [...found, P, P + 1n]
}

const jwkOf = (x: Buffer) => ({ kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') })

t.test('J14: rejects points of small order, in any encoding', async (t) => {
  const all = smallOrders()
  t.equal(all.length, 7)
  for (const y of all) {
    t.ok(hasSmallOrder(pointAt(y) as Point), `${y}`)
    for (const sign of [0n, 1n] as const) {
      const jwk = jwkOf(littleEndian(y, sign))
      t.equal(await importVerificationKey(jwk), undefined, jwk.x)
    }
  }
})

t.test('rejects a key under which a signature needs no private key', async (t) => {
  const jwk = jwkOf(littleEndian(1n, 0n))
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  // R is the neutral element, S is 0. Whether Node accepts the signature depends on its OpenSSL: that
  // of Node 20 does, that of Node 24.21 does not.
  const signature = Buffer.concat([littleEndian(1n, 0n), Buffer.alloc(32)])
  const isForgeable = verify(null, Buffer.from('anything'), key, signature)
  t.equal(isForgeable, verify(null, Buffer.from('at all'), key, signature))
  t.ok(isOfSmallOrder(key))
  t.equal(await importVerificationKey(jwk), undefined)
})

t.test('accepts generated keys', async (t) => {
  for (let i = 0; i < 20; i++) {
    const { publicJwk } = await makeKey('EdDSA')
    t.ok(await importVerificationKey(publicJwk))
    const y = Buffer.from(publicJwk.x as string, 'base64url')
    const sign = (y[31] as number) >> 7
    y[31] = (y[31] as number) & 0x7f
    const point = pointAt(BigInt(`0x${y.reverse().toString('hex')}`)) as Point
    t.notOk(hasSmallOrder(point), `${sign}`)
  }
})
