/** P1.4 to P1.6: the key in a proof (RFC 9449 §4.2), and its caches. */
import t from 'tap'
import { ProofKeys } from '../../../src/binding/dpop/proof-keys.js'
import { DPoPClient } from '../../fixtures/dpop-client.js'
import { base64url } from '../../fixtures/issuer.js'

const client = await DPoPClient.make()
const keys = new ProofKeys(new Set(['ES256', 'RS256']))

function headerWith(members: Record<string, unknown> = {}): string {
  return base64url({ typ: 'dpop+jwt', alg: 'ES256', jwk: client.jwk, ...members })
}

/** Returns a header of that many characters, a multiple of four. */
function headerOf(length: number): string {
  const empty = Buffer.from(headerWith({ x: '' }), 'base64url').length
  return headerWith({ x: 'x'.repeat((length / 4) * 3 - empty) })
}

const read = (segment: string) => keys.keyOf(segment, () => {})

const MALFORMED = 'The DPoP proof is malformed'
const TYPE = ['The DPoP proof has the wrong type', '"typ": dpop+jwt'] as const
const ALGORITHM = [
  'The DPoP proof is signed with an algorithm that is not allowed',
  'ES256 or RS256',
] as const
const EXTENSION = [MALFORMED, 'neither "crit" nor "b64" in the header'] as const
const KEY = [
  'The key of the DPoP proof cannot be used',
  '"jwk": a public key for ES256 or RS256; an RSA key has 2048 to 4096 bits',
] as const

const rsa = (bits: number) => ({
  kty: 'RSA',
  e: 'AQAB',
  n: Buffer.alloc(bits / 8, 0xc5).toString('base64url'),
})

t.test('P1: reads the key of a proof, and checks its thumbprint first', async (t) => {
  const { algorithm, thumbprint } = await read(headerWith())
  t.same({ algorithm, thumbprint }, { algorithm: 'ES256', thumbprint: client.jkt })
  for (const typ of ['DPoP+JWT', 'application/dpop+jwt', 'Application/DPOP+jwt']) {
    t.equal((await read(headerWith({ typ }))).thumbprint, client.jkt, typ)
  }
  t.ok(await read(headerWith({ jwk: { ...client.jwk, alg: 'ES256' } })), 'its own algorithm')
  t.ok(await read(headerWith({ alg: 'RS256', jwk: rsa(4096) })), 'RSA of 4096 bits')
  const rejection = new Error('another key')
  const rejected = keys.keyOf(headerWith(), (thumbprint) => {
    if (thumbprint === client.jkt) throw rejection
  })
  await t.rejects(rejected, rejection)
})

const BAD: Readonly<Record<string, readonly [string, message: string, expected: string]>> = {
  'no JSON': [base64url('x'), MALFORMED, 'a header without duplicate members'],
  'a member twice': [
    base64url('{"typ":"dpop+jwt","typ":"dpop+jwt"}'),
    MALFORMED,
    'a header without duplicate members',
  ],
  'P1.4: no typ': [headerWith({ typ: undefined }), ...TYPE],
  'P1.4: another typ': [headerWith({ typ: 'at+jwt' }), ...TYPE],
  'P1.4: application/ inside of it': [headerWith({ typ: 'dpop+application/jwt' }), ...TYPE],
  'P1.4: application/ twice': [headerWith({ typ: 'application/application/dpop+jwt' }), ...TYPE],
  'P1.5: no alg': [headerWith({ alg: undefined }), ...ALGORITHM],
  'P1.5: none': [headerWith({ alg: 'none' }), ...ALGORITHM],
  'P1.5: a symmetric one': [headerWith({ alg: 'HS256' }), ...ALGORITHM],
  'P1.5: one that is not allowed': [headerWith({ alg: 'ES384' }), ...ALGORITHM],
  'J10: crit': [headerWith({ crit: ['exp'] }), ...EXTENSION],
  'J10: b64': [headerWith({ b64: true }), ...EXTENSION],
  'P1.6: no jwk': [headerWith({ jwk: undefined }), ...KEY],
  'P1.6: an array': [headerWith({ jwk: [client.jwk] }), ...KEY],
  'P1.6: of no known kind': [headerWith({ jwk: { ...client.jwk, kty: 'XYZ' } }), ...KEY],
  'P1.6: for another algorithm': [headerWith({ jwk: { ...client.jwk, alg: 'RS256' } }), ...KEY],
  'P1.6: RSA for another algorithm': [
    headerWith({ alg: 'RS256', jwk: { ...rsa(2048), alg: 'RS512' } }),
    ...KEY,
  ],
  'P1.6: no point of the curve': [headerWith({ jwk: { ...client.jwk, x: 'AAAA' } }), ...KEY],
  'J14: RSA of 1024 bits': [headerWith({ alg: 'RS256', jwk: rsa(1024) }), ...KEY],
  'J14: RSA of 4104 bits': [headerWith({ alg: 'RS256', jwk: rsa(4104) }), ...KEY],
}

t.test('P1: rejects invalid proof headers and unusable keys', async (t) => {
  for (const [title, [segment, message, expected]] of Object.entries(BAD)) {
    await t.rejects(read(segment), { code: 'invalid_dpop_proof', message, expected }, title)
  }
})

t.test('P1.6: rejects a key with any private member', async (t) => {
  const [message, expected] = KEY
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
    const jwk = { ...client.jwk, [member]: 'AQAB' }
    await t.rejects(read(headerWith({ jwk })), { message, expected }, member)
  }
})

t.test('caches the key of a verified proof, unless its header is long', async (t) => {
  for (const [length, isKnown] of [
    [400, true],
    [2_048, true],
    [2_052, false],
  ] as const) {
    const segment = headerOf(length)
    t.equal(segment.length, length)
    const first = await read(segment)
    t.not(await read(segment), first, 'before it is cached')
    keys.remember(segment, first)
    t.equal((await read(segment)) === first, isKnown, `${length}`)
  }
  const rejection = new Error('another key')
  const rejected = keys.keyOf(headerOf(400), () => {
    throw rejection
  })
  await t.rejects(rejected, rejection, 'and rejects the token as well')
})

t.test('E30: varying headers cost one import of their key', async (t) => {
  const { key } = await read(headerWith({ x: 1 }))
  for (const members of [
    { x: 2 },
    { jwk: { ...client.jwk, kid: 'another' } },
    { jwk: { ...client.jwk, use: 'sig', key_ops: ['verify'] } },
    { typ: 'DPOP+jwt' },
  ]) {
    t.equal((await read(headerWith(members))).key, key, JSON.stringify(members))
  }
  const [message, expected] = KEY
  for (const members of [{ use: 'enc' }, { key_ops: ['sign'] }, { alg: 'ES512' }, { kid: 5 }]) {
    const jwk = { ...client.jwk, ...members }
    await t.rejects(read(headerWith({ jwk })), { message, expected }, JSON.stringify(members))
  }
  const both = new ProofKeys(new Set(['RS256', 'PS256']))
  const readFor = async (alg: string) =>
    (await both.keyOf(headerWith({ alg, jwk: rsa(2048) }), () => {})).key
  t.not(await readFor('RS256'), await readFor('PS256'), 'one algorithm, one key')
  t.equal(await readFor('PS256'), await readFor('PS256'))
})
