/** P1 to P5, P7: DPoP (RFC 9449). */
import { generateDPoPKey } from 'fastify-resource-server/testing'
import { exportJWK } from 'jose'
import type { RawResponse } from '../../../test/fixtures/raw-http.js'
import { type Check, RuleViolation, rule } from '../check.js'
import type { Api, ProofChange } from '../harness/api.js'
import {
  describe,
  expectAccepted,
  expectChallenge,
  expectRejected,
  expectThat,
} from '../harness/expect.js'
import type { Harness } from '../harness/harness.js'

const INVALID_PROOF = { status: 401, scheme: 'dpop', error: 'invalid_dpop_proof' } as const

/** A rule of RFC 9449 §4.3: the API must reject each changed proof. */
function proofRule(number: string, title: string, changes: (api: Api) => Changes): Check {
  const section = `RFC 9449 §4.3 (${number})`
  return rule('P1', section, 'MUST', title, ['dpop'], async ({ api }) => {
    for (const [what, change] of Object.entries(await changes(api))) {
      const response = await api.prove(api.forgeBound(), change)
      expectThat(isRejection(response), `401 for ${what}`, describe(response))
    }
  })
}

type Changes = Record<string, ProofChange> | Promise<Record<string, ProofChange>>

function isRejection({ status }: RawResponse): boolean {
  return status === 401 || status === 400
}

/** Sends a token with proofs whose text is changed. */
async function sendProofs(
  api: Api,
  ...proofs: ((proof: string) => string)[]
): Promise<RawResponse> {
  const token = api.forgeBound()
  const lines = [`authorization: DPoP ${token}`]
  for (const change of proofs) lines.push(`dpop: ${change(await api.proof(token))}`)
  return api.send({ lines })
}

const unchanged = (proof: string) => proof

export const dpop: readonly Check[] = [
  rule(
    'P1',
    'RFC 9449 §7.1',
    'MUST',
    'A sender-constrained token with its proof is accepted',
    ['dpop'],
    async ({ api }) => {
      expectAccepted(await api.prove(api.forgeBound()), 'a token with its proof')
      expectAccepted(
        await api.prove(api.forgeBound(), {}, { path: '/?page=2' }),
        'a URL with a query',
      )
    },
  ),

  rule(
    'P1',
    'RFC 9449 §4.3 (1, 2)',
    'MUST',
    'There is one DPoP header with one JWT',
    ['dpop'],
    async ({ api }) => {
      for (const [what, proofs] of Object.entries({
        'no proof': [],
        'two proofs': [unchanged, unchanged],
        'no JWT': [() => 'abc'],
        'two parts': [(proof: string) => proof.split('.', 2).join('.')],
        'a list': [(proof: string) => `${proof}, ${proof}`],
      })) {
        const response = await sendProofs(api, ...proofs)
        expectThat(isRejection(response), `401 for ${what}`, describe(response))
      }
    },
  ),

  proofRule('3', 'jti, htm, htu and iat are present', () =>
    Object.fromEntries(
      ['jti', 'htm', 'htu', 'iat'].map((name) => [`no ${name}`, { claims: { [name]: undefined } }]),
    ),
  ),

  proofRule('4', 'typ is dpop+jwt', () => ({
    'typ JWT': { header: { typ: 'JWT' } },
    'no typ': { header: { typ: undefined } },
  })),

  proofRule('5', 'alg is asymmetric, and not none', () => ({
    'alg none': { header: { alg: 'none' } },
    'alg HS256': { header: { alg: 'HS256' } },
  })),

  proofRule('6', 'The signature is by the key in the header', async () => {
    const { jwk } = await generateDPoPKey()
    return {
      'another key': { header: { jwk } },
      'no key': { header: { jwk: undefined } },
    }
  }),

  proofRule('7', 'The key in the header is public', async ({ options: { dpopKey } }) => ({
    'the private key': { header: { jwk: await exportJWK(dpopKey.privateKey) } },
  })),

  proofRule('8', 'htm is the method', () => ({
    'htm POST': { claims: { htm: 'POST' } },
  })),

  rule(
    'P1',
    'RFC 9110 §9.1',
    'ours',
    'htm has the case of the method',
    ['dpop'],
    async ({ api }) => {
      expectRejected(await api.prove(api.forgeBound(), { claims: { htm: 'get' } }), 'htm get')
    },
  ),

  rule('P1', 'RFC 7515 §2', 'MUST', 'A proof has no padding', ['dpop'], async ({ api }) => {
    expectRejected(await sendProofs(api, (proof) => `${proof}=`), 'padding')
  }),

  proofRule('9', 'htu is the URL', ({ options: { url } }) => ({
    'another path': { claims: { htu: `${url}/orders` } },
    'another host': { claims: { htu: 'https://other.example/' } },
    'another scheme': { claims: { htu: `${url}/`.replace(/^http:/, 'https:') } },
    'no URL': { claims: { htu: '/' } },
  })),

  rule(
    'P1',
    'RFC 9449 §4.3 (9)',
    'SHOULD',
    'htu is compared after normalization',
    ['dpop'],
    async ({ api }) => {
      const { url } = api.options
      for (const htu of [
        `${url}/?a=b#c`,
        url.replace(/^http/, 'HTTP'),
        `${url}/x/..`,
        `${url}/.`,
      ]) {
        expectAccepted(await api.prove(api.forgeBound(), { claims: { htu } }), 'an equivalent htu')
      }
    },
  ),

  proofRule('11', 'iat is recent', (api) => ({
    'an hour ago': { claims: { iat: api.nowSeconds() - 3600 } },
    'an hour from now': { claims: { iat: api.nowSeconds() + 3600 } },
    'as text': { claims: { iat: `${api.nowSeconds()}` } },
  })),

  proofRule(
    '12',
    'ath is the hash of the token, and the token is bound to the key',
    async (api) => ({
      'no ath': { accessToken: undefined },
      'ath of another token': { accessToken: api.forgeBound() },
      'a proof by another key': { key: await generateDPoPKey() },
    }),
  ),

  rule(
    'P2',
    'RFC 9449 §7.1',
    'SHOULD',
    'The rejection is 401 with the scheme DPoP, its error and algs',
    ['dpop'],
    async ({ api }) => {
      const rejected = await api.prove(api.forgeBound(), { claims: { htm: 'POST' } })
      const { parameters } = expectChallenge(rejected, INVALID_PROOF, 'an invalid proof')
      expectThat(
        /\bES256\b/.test(parameters.algs ?? ''),
        'algs with ES256',
        parameters.algs ?? 'none',
      )
      const at = api.nowSeconds()
      const expired = await api.prove(api.forgeBound({ iat: at - 7200, exp: at - 3600 }))
      expectChallenge(
        expired,
        { status: 401, scheme: 'dpop', error: 'invalid_token' },
        'an expired token',
      )
    },
  ),

  rule(
    'P3',
    'RFC 9449 §7.2',
    'MUST',
    'A sender-constrained token sent as Bearer is rejected, even with its proof',
    ['dpop'],
    async ({ api }) => {
      const token = api.forgeBound()
      const proof = await api.proof(token)
      const bearer = `authorization: Bearer ${token}`
      expectRejected(await api.send({ lines: [bearer] }), 'a bound token alone')
      expectRejected(
        await api.send({ lines: [bearer, `dpop: ${proof}`] }),
        'a bound token with its proof',
      )
    },
  ),

  rule(
    'P3',
    'RFC 9449 §7.2',
    'ours',
    'The same if DPoP is off, because the client relies on the binding',
    ['jwt', 'dpop-off'],
    async ({ api }) => {
      const { thumbprint } = api.options.dpopKey
      const response = await api.present(api.forge({ claims: { cnf: { jkt: thumbprint } } }))
      expectRejected(response, 'a bound token')
    },
  ),

  rule(
    'P3',
    'RFC 9449 §7.1',
    'MUST',
    'A bearer token is not accepted as DPoP',
    ['dpop'],
    async ({ api }) => {
      expectRejected(await api.prove(api.forge({ claims: { cnf: undefined } })), 'a bearer token')
    },
  ),

  rule(
    'P3',
    'RFC 9449 §7.2',
    'SHOULD',
    'Without credentials, the challenge offers both schemes',
    ['dpop', 'bearer'],
    async ({ api }) => {
      const response = await api.send()
      expectChallenge(response, { status: 401, scheme: 'bearer', error: null }, 'no token')
      expectChallenge(response, { status: 401, scheme: 'dpop', error: null }, 'no token')
    },
  ),

  rule(
    'P3',
    'RFC 9449 §7.2',
    'ours',
    'Both schemes in one request are 400',
    ['dpop', 'bearer'],
    async ({ api }) => {
      const token = api.forgeBound()
      const proof = `dpop: ${await api.proof(token)}`
      const lines = [`authorization: DPoP ${token}`, `authorization: Bearer ${api.forge()}`, proof]
      expectChallenge(await api.send({ lines }), { status: 400, error: 'invalid_request' }, 'both')
    },
  ),

  rule(
    'P3',
    'RFC 9449 §7.1',
    'MUST',
    'A bearer token is rejected if sender-constrained tokens are required',
    ['dpop', 'nonce'],
    async ({ api }) => {
      const token = api.forge({ claims: { cnf: undefined } })
      expectRejected(
        await api.send({ lines: [`authorization: Bearer ${token}`] }),
        'a bearer token',
      )
    },
  ),

  rule(
    'P4',
    'RFC 9449 §9',
    'MUST',
    'A proof needs the nonce from the API',
    ['dpop', 'nonce'],
    async ({ api }) => {
      for (const [what, nonce] of Object.entries({
        'no nonce': undefined,
        'a forged nonce': 'nonce-1',
      })) {
        const response = await api.prove(api.forgeBound(), { nonce })
        const wanted = { status: 401, scheme: 'dpop', error: 'use_dpop_nonce' } as const
        expectChallenge(response, wanted, what)
        const nonces = response.headers['dpop-nonce'] ?? []
        expectThat(nonces.length === 1, 'one DPoP-Nonce', `${nonces.length}`)
        const next = await api.prove(api.forgeBound(), { nonce: nonces[0] })
        expectAccepted(next, 'a proof with that nonce')
      }
    },
  ),

  rule('P5', 'RFC 9449 §11.1', 'ours', 'A proof is accepted once', ['dpop'], async ({ api }) => {
    const token = api.forgeBound()
    const lines = [`authorization: DPoP ${token}`, `dpop: ${await api.proof(token)}`]
    expectAccepted(await api.send({ lines }), 'a proof')
    expectChallenge(await api.send({ lines }), INVALID_PROOF, 'the same proof')
  }),

  rule(
    'P7',
    'RFC 9449 §11.1',
    'ours',
    'The URL is not taken from the Host that the caller sent',
    ['dpop'],
    async (harness: Harness) => {
      const { api } = harness
      const host = 'other.example'
      const token = api.forgeBound()
      const htu = `${new URL(api.options.url).protocol}//${host}/`
      const forwarded = [
        `x-forwarded-host: ${host}`,
        'x-forwarded-proto: http',
        'x-forwarded-for: 1.1.1.1',
      ]
      for (const [what, request] of Object.entries({
        Host: { host },
        'X-Forwarded-Host': { lines: forwarded },
        Forwarded: { lines: [`forwarded: host=${host};proto=http`] },
      })) {
        const response = await api.prove(token, { claims: { htu } }, request)
        if (!isRejection(response))
          throw new RuleViolation(`401 for a proof for another ${what}`, describe(response))
      }
    },
  ),
]
