/** Detection of an issuer that reports every valid JWT inactive. */
import t from 'tap'
import { InactiveTokens } from '../../src/introspection/inactive-tokens.js'

function detection() {
  let reports = 0
  const tokens = new InactiveTokens(() => reports++)
  const record = (form: (i: number) => string) => {
    for (let i = 0; i < 20; i++) tokens.recordInactive(form(i))
    return reports
  }
  return { tokens, record }
}

t.test('reports ten different JWTs once', async (t) => {
  const { record } = detection()
  t.equal(
    record((i) => `header.claims-${i}.signature`),
    1,
  )
})

t.test('counts one JWT once, whatever its signature, and no encrypted JWT', async (t) => {
  const { record } = detection()
  t.equal(
    record((i) => `header.claims.signature-${i}`),
    0,
  )
  t.equal(
    record((i) => `header.key-${i}.iv-${i}.ciphertext-${i}.tag`),
    0,
  )
})

t.test('reports nothing after an active token', async (t) => {
  const { tokens, record } = detection()
  tokens.recordActive()
  t.equal(
    record((i) => `header.claims-${i}.signature`),
    0,
  )
})
