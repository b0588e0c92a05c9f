/**
 * Verifies tokens in non-canonical encodings (RFC 7515 §2), with the original signature and with a
 * signature of the new text, with jose and this package.
 */
import t from 'tap'
import { goodClaims, goodHeader, signed } from '../../test/fixtures/forgery.js'
import { base64url, type TestKey } from '../../test/fixtures/issuer.js'
import type { Chance } from '../../test/fixtures/random.js'
import { type Parts, partsOf, validToken } from './fixtures/pool.js'
import { type Respelling, respellings } from './fixtures/respellings.js'
import type { Ring } from './fixtures/rings.js'
import { type Mutant, runMutants } from './fixtures/run-mutants.js'

/** A re-signed text may also differ in content. */
const SIGNED = ['random']

const WHERE = ['header', 'claims', 'signature'] as const

function* systematicMutants(signer: TestKey, _ring: Ring, chance: Chance): Generator<Mutant> {
  const parts = partsOf(validToken(signer, chance))
  for (const [index, part] of parts.entries()) {
    for (const respelling of respellings(part, chance))
      yield* both(signer, parts, index, respelling)
  }
  for (const list of rearranged(parts)) {
    const title = list.map((part) => parts.indexOf(part)).join()
    yield { kinds: ['same result'], title: `segments: ${title}`, raw: () => list.join('.') }
  }
  // White space in the JSON does not matter, but changes the length of a segment.
  for (const blanks of [0, 1, 2, 3]) {
    const input = [goodHeader(signer), goodClaims()]
      .map((object) => base64url(`{${' '.repeat(blanks)}${JSON.stringify(object).slice(1)}`))
      .join('.')
    yield { kinds: ['harmless'], title: `${blanks} blanks`, raw: () => signed(signer, input) }
  }
}

/**
 * Yields the text with the original signature, and re-signed so that only the encoding can fail.
 */
function* both(
  signer: TestKey,
  parts: Parts,
  index: number,
  { kind, title, text }: Respelling,
): Generator<Mutant> {
  const list = parts.with(index, text)
  yield { kinds: [kind], title: `${WHERE[index]}: ${title}`, raw: () => list.join('.') }
  if (index === 2) return
  const input = list.slice(0, 2).join('.')
  yield {
    kinds: [kind, ...SIGNED],
    title: `signed ${WHERE[index]}: ${title}`,
    raw: () => signed(signer, input),
  }
}

function* rearranged([header, payload, signature]: Parts): Generator<readonly string[]> {
  yield [header, signature, payload]
  yield [payload, header, signature]
  yield [signature, payload, header]
  yield [header, header, signature]
  yield [payload, payload, signature]
  yield [header, payload]
  yield [payload, signature]
  yield [header, payload, signature, '']
  yield ['', header, payload, signature]
  yield [header, payload, '', signature]
  yield [header, payload, signature, signature]
  yield [header, payload, signature, payload, signature]
  yield [header, '', '', payload, signature]
  yield [header, '', signature]
  yield ['', payload, signature]
  yield ['', '', '']
  yield [`${header}${payload}`, signature]
  yield [header]
}

/** Re-encodes one to three segments. */
function randomMutant(signer: TestKey, _ring: Ring, chance: Chance): Mutant {
  const list: string[] = [...partsOf(validToken(signer, chance))]
  const kinds: string[] = []
  const titles: string[] = []
  for (let changes = chance.below(3); changes >= 0; changes--) {
    const index = chance.below(3)
    const { kind, title, text } = chance.pick([...respellings(list[index] || 'AA', chance)])
    list[index] = text
    kinds.push(kind)
    titles.push(`${WHERE[index]}: ${title}`)
  }
  const isResigned = chance.below(3) === 0
  return {
    kinds: isResigned ? [...kinds, ...SIGNED] : kinds,
    title: `${isResigned ? 'signed ' : ''}${titles.join(', ')}`,
    raw: () => (isResigned ? signed(signer, list.slice(0, 2).join('.')) : list.join('.')),
  }
}

t.test('J9: accepts no encoding that jose rejects', async (t) => {
  const family = { share: 0.25, systematic: systematicMutants, random: randomMutant }
  const { total, neither, both } = await runMutants(t, 'spelling', family)
  t.ok(both > 0, 'includes valid tokens')
  t.ok(neither > total / 2, 'includes invalid tokens')
})
