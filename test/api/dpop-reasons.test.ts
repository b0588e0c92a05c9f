/** The reason of each rejected proof for the operator, and the description for the client. */
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { sha256 } from '../../src/base/thumbprint.js'
import { DPoP } from '../../src/binding/dpop/dpop.js'
import { createResourceServer, type ResourceServerError } from '../../src/index.js'
import { DPoPClient, type ProofParts } from '../fixtures/dpop-client.js'
import { AUDIENCE, ISSUER, seconds } from '../fixtures/issuer.js'
import { key, tokenOf } from '../fixtures/protected-api.js'

const NOW = Date.now()
const url = 'https://api.example/orders'
const client = await DPoPClient.make()
const other = await DPoPClient.make()
const token = await tokenOf({ cnf: { jkt: client.jkt }, exp: seconds() + 3_000 })

async function rejectionOf(by: DPoPClient, parts: ProofParts, nonce = false): Promise<string[]> {
  const server = await createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
    dpop: {
      algorithms: ['ES256', 'PS256'],
      maxProofAge: 60,
      ...(nonce && { nonce: { secret: randomBytes(32) } }),
    },
    now: () => NOW,
  })
  const claims = { iat: seconds(NOW), ...parts.claims }
  const proof = await by.proof({ url, token }, { ...parts, claims })
  const request = { token, dpop: { proof, method: 'GET', url: `${url}?secret=1` } }
  return server.verify(request).then(
    () => ['accepted'],
    ({ check, message, reason }: ResourceServerError) => [
      check,
      message,
      `${reason.expected}`,
      `${reason.found}`,
    ],
  )
}

const unusable = [
  'The key of the DPoP proof cannot be used',
  '"jwk": a public key for ES256 or PS256; an RSA key has 2048 to 4096 bits',
]
const extension = ['The DPoP proof is malformed', 'neither "crit" nor "b64" in the header']

const CASES: readonly [parts: ProofParts, ...expected: string[]][] = [
  [{ header: { typ: 'JWT' } }, 'The DPoP proof has the wrong type', '"typ": dpop+jwt'],
  [{ header: { b64: true } }, ...extension],
  [{ header: { jwk: null } }, ...unusable],
  [{ header: { jwk: { kty: 'EC' } } }, ...unusable],
  [
    { claims: { htm: 'POST' } },
    'The DPoP proof is for another method',
    '"htm": the method of the request',
  ],
  [
    { claims: { htu: 'https://api.example/' } },
    'The DPoP proof is for another URL',
    '"htu": https://api.example/orders',
  ],
  [
    { claims: { iat: seconds(NOW) - 99 } },
    'The DPoP proof is too old',
    `"iat": after ${seconds(NOW) - 60}`,
  ],
  [
    { claims: { iat: seconds(NOW) + 99 } },
    'The DPoP proof was made in the future',
    `"iat": not after ${seconds(NOW)}`,
  ],
  [{ claims: { ath: 'x' } }, 'The DPoP proof is for another access token', '"ath" of this token'],
  [
    { signer: other.key },
    'The signature of the DPoP proof is invalid',
    'a signature by the key in "jwk"',
  ],
]

t.test('P1: the reason contains what the proof should contain', async (t) => {
  t.same(await rejectionOf(client, {}), ['accepted'])
  for (const [parts, ...expected] of CASES) {
    t.same(await rejectionOf(client, parts), ['proof', ...expected, 'undefined'])
  }
  const EdDSA = await DPoPClient.make('EdDSA')
  t.same(await rejectionOf(EdDSA, {}), [
    'proof',
    'The DPoP proof is signed with an algorithm that is not allowed',
    'ES256 or PS256',
    'undefined',
  ])
})

t.test('P1.12: rejects a proof signed by another key', async (t) => {
  t.same(await rejectionOf(other, {}), [
    'binding',
    'The access token is bound to a different key than the DPoP proof',
    'a proof signed by the key that "jkt" identifies',
    'a proof signed by another key',
  ])
})

t.test('P4: rejects a proof without a nonce, or with an unknown one', async (t) => {
  const message = 'A DPoP nonce is required: retry with the value of the DPoP-Nonce header'
  const expected = '"nonce" from the header DPoP-Nonce'
  t.same(await rejectionOf(client, {}, true), ['nonce', message, expected, 'none'])
  t.same(await rejectionOf(client, { claims: { nonce: 'x' } }, true), [
    'nonce',
    message,
    expected,
    'an unknown or expired nonce',
  ])
})

const TIME = 1_000_000
const TWO = ['https://a.example/x?secret=1', 'https://b.example/x']

/** Runs only the checks, with a clock that stands still. */
function outcomeOf(
  proofs: readonly string[],
  isFirst = true,
  add: () => Promise<boolean> = async () => isFirst,
  now = () => TIME * 1_000 + 999,
): Promise<unknown> {
  const dpop = new DPoP({
    algorithms: new Set(['ES256', 'PS256']),
    maxProofAge: 60,
    clockTolerance: 5,
    now,
    nonces: undefined,
    replays: { add, rememberedSince: () => Number.NEGATIVE_INFINITY } as never,
  })
  t.equal(dpop.algs, 'ES256 PS256')
  return dpop
    .verifyProof({ hash: sha256(token) }, client.jkt, {
      scheme: 'DPoP',
      method: 'GET',
      proofs,
      targetUris: TWO,
      certificateThumbprint: undefined,
    })
    .then(
      () => 'accepted',
      ({ message, reason: { expected } }: ResourceServerError) => [message, expected],
    )
}

function proofOf(claims: Record<string, unknown> = {}): Promise<string> {
  const claimSet = { iat: TIME, ...claims }
  return client.proof({ url: 'https://b.example/x', token }, { claims: claimSet })
}

t.test('P1.1, P1.9, P5: checks the number of proofs, the URL and replay', async (t) => {
  const proof = await proofOf()
  t.equal(await outcomeOf([proof]), 'accepted')
  t.same(await outcomeOf([]), ['The request has no DPoP proof', 'one DPoP header'])
  const several = ['The request has more than one DPoP proof', 'one DPoP header']
  t.same(await outcomeOf([proof, proof]), several)
  t.same(await outcomeOf([await proofOf({ htu: 'https://c.example/x' })]), [
    'The DPoP proof is for another URL',
    '"htu": https://a.example/x or https://b.example/x',
  ])
  const used = ['The DPoP proof was used before', 'a new proof for each request']
  t.same(await outcomeOf([proof], false), used)
})

t.test('P1.11: the window is exactly as wide as maxProofAge and the tolerance', async (t) => {
  for (const iat of [TIME - 64, TIME, TIME + 5, TIME + 5.9]) {
    t.equal(await outcomeOf([await proofOf({ iat })]), 'accepted', `${iat - TIME}`)
  }
  for (const iat of [TIME - 65, TIME - 64.5, TIME + 6]) {
    t.match(await outcomeOf([await proofOf({ iat })]), [/too old|in the future/], `${iat - TIME}`)
  }
})

t.test('P5: setting the clock back keeps no entry longer than a proof is valid', async (t) => {
  const times = [TIME, TIME - 3_600]
  const now = () => ((times.length > 1 ? times.shift() : times[0]) as number) * 1_000
  const add = async () => t.fail('the proof is not added to the replay cache')
  t.match(await outcomeOf([await proofOf()], true, add, now), [/made in the future/])
})
