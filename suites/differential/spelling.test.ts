/** Tokens spelled otherwise, as they were signed and signed so, to jose and to us (RFC 7515 §2). */
import t from 'tap'
import { goodClaims, goodHeader, signed } from '../../test/fixtures/forgery.js'
import { base64url, type TestKey } from '../../test/fixtures/issuer.js'
import type { Chance } from '../../test/fixtures/random.js'
import { type Mutant, play } from './fixtures/play.js'
import { goodToken, type Parts, partsOf } from './fixtures/pool.js'
import { type Respelling, respellings } from './fixtures/respellings.js'
import type { Ring } from './fixtures/rings.js'

/** What is signed anew says something else, too. */
const SIGNED = ['random']

const WHERE = ['header', 'claims', 'signature'] as const

function* written(signer: TestKey, _ring: Ring, chance: Chance): Generator<Mutant> {
  const parts = partsOf(goodToken(signer, chance))
  for (const [index, part] of parts.entries()) {
    for (const respelling of respellings(part, chance))
      yield* both(signer, parts, index, respelling)
  }
  for (const list of rearranged(parts)) {
    const title = list.map((part) => parts.indexOf(part)).join()
    yield { kinds: ['same verdict'], title: `segments: ${title}`, raw: () => list.join('.') }
  }
  // White space in the JSON is nothing to anybody, and shifts the length.
  for (const blanks of [0, 1, 2, 3]) {
    const input = [goodHeader(signer), goodClaims()]
      .map((object) => base64url(`{${' '.repeat(blanks)}${JSON.stringify(object).slice(1)}`))
      .join('.')
    yield { kinds: ['harmless'], title: `${blanks} blanks`, raw: () => signed(signer, input) }
  }
}

/** Under the signature that was there, and under one of its own, so that the spelling is judged. */
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

/** One to three segments spelled otherwise. */
function byChance(signer: TestKey, _ring: Ring, chance: Chance): Mutant {
  const list: string[] = [...partsOf(goodToken(signer, chance))]
  const kinds: string[] = []
  const titles: string[] = []
  for (let changes = chance.below(3); changes >= 0; changes--) {
    const index = chance.below(3)
    const { kind, title, text } = chance.pick([...respellings(list[index] || 'AA', chance)])
    list[index] = text
    kinds.push(kind)
    titles.push(`${WHERE[index]}: ${title}`)
  }
  const anew = chance.below(3) === 0
  return {
    kinds: anew ? [...kinds, ...SIGNED] : kinds,
    title: `${anew ? 'signed ' : ''}${titles.join(', ')}`,
    raw: () => (anew ? signed(signer, list.slice(0, 2).join('.')) : list.join('.')),
  }
}

t.test('J9: no spelling is accepted that jose refuses', async (t) => {
  const family = { share: 0.25, systematic: written, random: byChance }
  const { total, neither, both } = await play(t, 'spelling', family)
  t.ok(both > 0, 'good ones among them')
  t.ok(neither > total / 2, 'and bad ones')
})
