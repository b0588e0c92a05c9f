import t from 'tap'
import type { Confirmation } from '../../src/access-token/confirmation.js'
import { InvalidTokenError } from '../../src/errors/errors.js'
import {
  checkSameBinding,
  confirmationIn,
  decodedParts,
  embeddedConfirmation,
} from '../../src/pipeline/introspected-binding.js'
import { base64url } from '../fixtures/issuer.js'

const [one, other] = ['A'.repeat(43), `B${'A'.repeat(42)}`]
const malformed = { cnf: { jkt: 'x' } }

/** Accepts every confirmation, and fails if it gets a rejection instead. */
const rules = {
  binding: {
    checkProvable(confirmation: Confirmation | undefined) {
      if (confirmation instanceof Error) throw confirmation
      return undefined
    },
  },
}

function rejectionOf(expected: string, found: string) {
  const message = 'The access token is bound to a key or certificate that this API cannot verify'
  return { message, reason: { check: 'binding', expected, found } }
}

t.test('reads cnf of the response', async (t) => {
  t.same(confirmationIn({ cnf: { jkt: one } }, rules), { jkt: one })
  t.ok(confirmationIn(malformed, rules) instanceof InvalidTokenError)
  for (const token_type of [undefined, 'Bearer', 'xDPoP', 'DPoPx', ['DPoP']]) {
    t.equal(confirmationIn({ token_type }, rules), undefined)
  }
  for (const token_type of ['DPoP', 'dpop']) {
    t.match(
      confirmationIn({ token_type }, rules),
      rejectionOf(
        '"jkt" in "cnf" of a DPoP token',
        'another binding in the introspection response',
      ),
    )
  }
})

t.test('decodes the parts of a token with dots', async (t) => {
  t.same(decodedParts(base64url('text')), [], 'a token without dots')
  t.same(decodedParts(`${base64url('one')}.!.${base64url('two')}`), ['one', 'two'])
})

t.test('rejects different bindings in one token', async (t) => {
  const texts = (...all: object[]) => all.map((each) => JSON.stringify(each))
  const embedded = (...all: object[]) => embeddedConfirmation(texts(...all), rules)
  const several = rejectionOf('one binding', 'several')
  t.equal(embedded({}), undefined)
  t.same(embedded({ alg: 'none' }, { cnf: { jkt: one } }), { jkt: one })
  t.same(embedded({ cnf: { jkt: one } }, { cnf: { jkt: one } }), { jkt: one })
  t.match(embedded({ cnf: { jkt: one } }, { cnf: { jkt: other } }), several)
  const [certificate, another] = [{ 'x5t#S256': one }, { 'x5t#S256': other }]
  t.match(embedded({ cnf: certificate }, { cnf: another }), several)
  t.ok(embedded(malformed) instanceof InvalidTokenError)
})

t.test('rejects a response with another binding than the token', async (t) => {
  const differs = rejectionOf(
    'the binding that the token itself has',
    'another binding in the introspection response',
  )
  const key: Confirmation = { jkt: one }
  const certificate: Confirmation = { 'x5t#S256': one }
  for (const binding of [key, certificate]) {
    t.equal(checkSameBinding(undefined, binding), undefined)
    t.equal(checkSameBinding(binding, { ...binding }), undefined)
    t.match(checkSameBinding(binding, undefined), differs)
  }
  t.match(checkSameBinding({ jkt: other }, key), differs)
  t.match(checkSameBinding({ 'x5t#S256': other }, certificate), differs)
})
