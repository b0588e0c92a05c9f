import { createHash } from 'node:crypto'
import t from 'tap'
import { fingerprintOf } from '../../src/pipeline/fingerprint.js'

t.test('fingerprintOf() returns an integer of 30 bits for any text', async (t) => {
  const odd = ['', 'x', 'xx', '1234567', '12345678', '\0'.repeat(9), '\uffff'.repeat(9), '😀😀😀😀']
  for (const raw of [...odd, 'A'.repeat(1_048_576)]) {
    const fingerprint = fingerprintOf(raw)
    t.ok(Number.isInteger(fingerprint) && fingerprint >= 0 && fingerprint < 2 ** 30)
    t.equal(fingerprintOf(raw), fingerprint)
  }
})

t.test('fingerprintOf() depends on each of the characters before the last one', async (t) => {
  const raw = 'abcdefghijklmnop'
  t.equal(fingerprintOf(`${raw.slice(0, -1)}A`), fingerprintOf(raw), 'the last has stray bits')
  for (let i = 9; i < 15; i++) {
    const other = `${raw.slice(0, i)}Z${raw.slice(i + 1)}`
    t.not(fingerprintOf(other), fingerprintOf(raw), `character ${i}`)
  }
})

t.test('an issuer cannot craft tokens with colliding fingerprints', async (t) => {
  const withSecret = async (secret: string) => {
    const randomBytes = () => Buffer.from(secret, 'hex')
    const { fingerprintOf } = await t.mockImport<
      typeof import('../../src/pipeline/fingerprint.js')
    >('../../src/pipeline/fingerprint.js', { 'node:crypto': { randomBytes } })
    return fingerprintOf
  }
  const one = await withSecret('0123456789abcdef')
  const other = await withSecret('fedcba9876543210')
  const ends = Array.from(
    { length: 20_000 },
    (_, i) => `${createHash('sha256').update(`${i}`).digest('base64url')}A`,
  )
  t.equal(ends.filter((end) => one(end) === other(end)).length, 0)
  // Tokens that share the low bits (the bucket of a map) with one key do not with another key.
  const chosen = ends.filter((end) => (one(end) & 63) === 0)
  const crowd = new Map<number, number>()
  for (const end of chosen) crowd.set(other(end) & 63, (crowd.get(other(end) & 63) ?? 0) + 1)
  t.ok(chosen.length > 200)
  t.ok(Math.max(...crowd.values()) < chosen.length / 8)
  for (const fingerprint of [one, other]) {
    t.ok(new Set(ends.map(fingerprint)).size > 19_990, 'and 30 bits are 30 bits')
  }
})
