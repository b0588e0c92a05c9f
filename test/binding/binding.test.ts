/** Every mismatch of a token and its proofs of possession. */
import t from 'tap'
import type { Confirmation } from '../../src/access-token/confirmation.js'
import { Binding } from '../../src/binding/binding.js'
import type { DPoP } from '../../src/binding/dpop/dpop.js'
import type { Presentation, ResolvedBindingRequirement } from '../../src/binding/presentation.js'
import { InvalidTokenError } from '../../src/errors/errors.js'

const OFF: ResolvedBindingRequirement = { dpop: 'off', mtls: 'off' }
const ALLOWED: ResolvedBindingRequirement = { dpop: 'allowed', mtls: 'allowed' }
const REQUIRED: ResolvedBindingRequirement = { dpop: 'required', mtls: 'required' }
const TO_KEY: Confirmation = { jkt: 'k'.repeat(43) }
const TO_CERTIFICATE: Confirmation = { 'x5t#S256': 'c'.repeat(43) }

const KEY = 'The access token is bound to a key and must be sent with a DPoP proof'
const CERTIFICATE = 'The access token is bound to a certificate that was not presented'

const binding = new Binding(ALLOWED, undefined)

/** Returns message, expected and found value of the rejection; `accepted` if there is none. */
function rejection(outcome: unknown): readonly unknown[] {
  if (outcome === undefined) return ['accepted']
  const { check, message, reason } = outcome as InvalidTokenError
  t.ok(outcome instanceof InvalidTokenError)
  t.equal(check, 'binding')
  return [message, reason.expected, reason.found]
}

function required(
  confirmation: Confirmation | undefined,
  presentation: Partial<Presentation>,
  demand: ResolvedBindingRequirement,
  by: Binding = binding,
) {
  const bearer = { scheme: 'Bearer', method: 'GET', proofs: [], targetUris: [] } as const
  return rejection(
    by.verify(
      { hash: 'h'.repeat(43), confirmation },
      { ...bearer, certificateThumbprint: undefined, ...presentation },
      demand,
    ),
  )
}

t.test('P3, P6: rejects a binding without a supported proof', async (t) => {
  const early = (demand: ResolvedBindingRequirement, confirmation: Confirmation | undefined) =>
    rejection(new Binding(demand, undefined).checkProvable(confirmation))
  t.same(early(OFF, undefined), ['accepted'])
  t.same(early(ALLOWED, TO_KEY), ['accepted'])
  t.same(early(ALLOWED, TO_CERTIFICATE), ['accepted'])
  t.same(early({ ...OFF, mtls: 'allowed' }, TO_CERTIFICATE), ['accepted'])
  t.same(early({ ...OFF, dpop: 'allowed' }, TO_KEY), ['accepted'])
  t.same(early({ ...ALLOWED, dpop: 'off' }, TO_KEY), [
    KEY,
    'a bearer token, because the option "dpop" is off',
    undefined,
  ])
  t.same(early({ ...ALLOWED, mtls: 'off' }, TO_CERTIFICATE), [
    CERTIFICATE,
    'a bearer token, because the option "mtls" is off',
    undefined,
  ])
})

t.test('P3: requires no proof of a bearer token where bearer tokens are accepted', async (t) => {
  const needsNone = (
    confirmation: Confirmation | undefined,
    scheme: 'Bearer' | 'DPoP',
    demand: ResolvedBindingRequirement,
  ) => binding.needsNoProof({ confirmation }, scheme, demand)
  t.equal(needsNone(undefined, 'Bearer', ALLOWED), true)
  t.equal(needsNone(undefined, 'Bearer', OFF), true)
  t.equal(needsNone(undefined, 'DPoP', ALLOWED), false)
  t.equal(needsNone(TO_KEY, 'Bearer', ALLOWED), false)
  t.equal(needsNone(undefined, 'Bearer', { ...ALLOWED, dpop: 'required' }), false)
  t.equal(needsNone(undefined, 'Bearer', { ...ALLOWED, mtls: 'required' }), false)
})

t.test('P3: verifies key and proof', async (t) => {
  t.same(required(undefined, {}, ALLOWED), ['accepted'])
  t.same(required(undefined, { scheme: 'DPoP' }, ALLOWED), [
    'The access token is not bound to a key',
    'a token with "jkt" in "cnf"',
    undefined,
  ])
  t.same(required(undefined, {}, { ...ALLOWED, dpop: 'required' }), [
    'A DPoP-bound access token is required',
    '"jkt"',
    undefined,
  ])
  const off = [KEY, 'a bearer token, because "dpop" is off here', undefined]
  t.same(required(TO_KEY, {}, { ...ALLOWED, dpop: 'off' }), off)
  t.same(required(TO_KEY, { scheme: 'DPoP' }, ALLOWED), off, 'if no proof can be verified')
  const able = new Binding(ALLOWED, { verifyProof: () => undefined } as unknown as DPoP)
  t.same(
    required(TO_KEY, { proofs: ['a proof'] }, ALLOWED, able),
    [KEY, 'Authorization: DPoP', 'Bearer'],
    'a proof beside a bearer token has no effect',
  )
  t.same(required(TO_KEY, { scheme: 'DPoP' }, ALLOWED, able), ['accepted'])
})

t.test('P6: compares certificate and thumbprint', async (t) => {
  const certificateThumbprint = 'c'.repeat(43)
  t.same(required(TO_CERTIFICATE, { certificateThumbprint }, ALLOWED), ['accepted'])
  t.same(required(TO_CERTIFICATE, { certificateThumbprint }, { ...ALLOWED, mtls: 'off' }), [
    CERTIFICATE,
    'a bearer token, because "mtls" is off here',
    undefined,
  ])
  t.same(required(TO_CERTIFICATE, {}, ALLOWED), [
    CERTIFICATE,
    'a certificate of the client',
    'none',
  ])
  t.same(required(TO_CERTIFICATE, { expectedCertificate: 'TLS' }, ALLOWED), [
    CERTIFICATE,
    'TLS',
    'none',
  ])
  for (const other of ['d'.repeat(43), 'c'.repeat(42), 'c'.repeat(44), '']) {
    t.same(
      required(TO_CERTIFICATE, { certificateThumbprint: other }, ALLOWED),
      [CERTIFICATE, 'the certificate that the token is bound to', 'another certificate'],
      `"${other}"`,
    )
  }
  t.same(required(undefined, { certificateThumbprint }, REQUIRED), [
    'A certificate-bound access token is required',
    '"x5t#S256"',
    undefined,
  ])
  t.same(required(undefined, { certificateThumbprint }, ALLOWED), ['accepted'])
})

t.test('P2: offers a DPoP challenge where DPoP is accepted', async (t) => {
  t.equal(binding.dpopChallenge(ALLOWED), undefined, 'no proof can be verified')
  t.same(binding.requirement, ALLOWED)
  const dpop = { algs: 'ES256', newestNonce: () => 'n' } as unknown as DPoP
  const able = new Binding(ALLOWED, dpop)
  t.same(able.dpopChallenge(ALLOWED), { algs: 'ES256', nonce: 'n' })
  t.equal(able.dpopChallenge(OFF), undefined, 'not if they are off')
})
