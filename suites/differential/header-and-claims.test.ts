/** Verifies headers and claims of every kind, with valid signatures, with jose and this package. */
import t from 'tap'
import { forge, goodClaims, goodHeader } from '../../test/fixtures/forgery.js'
import type { TestKey } from '../../test/fixtures/issuer.js'
import type { Chance } from '../../test/fixtures/random.js'
import { claimMutants } from './fixtures/claim-mutants.js'
import { headerMutants, type TextMutant } from './fixtures/header-mutants.js'
import { STRICTER } from './fixtures/intended-differences.js'
import type { Ring } from './fixtures/rings.js'
import { type Mutant, runMutants } from './fixtures/run-mutants.js'

function* systematicMutants(signer: TestKey): Generator<Mutant> {
  for (const { kind, title, text } of headerMutants(signer)) {
    yield { kinds: [kind], title, raw: () => forge(signer, { header: text }) }
  }
  for (const { kind, title, text } of claimMutants()) {
    yield { kinds: [kind], title, raw: () => forge(signer, { claims: text }) }
  }
}

const claims: readonly TextMutant[] = [...claimMutants()]
/** Caches the header mutants of each signer, because creating the mutants is slow. */
const headers = new Map<TestKey, readonly TextMutant[]>()

function headersOf(signer: TestKey): readonly TextMutant[] {
  const cached = headers.get(signer) ?? [...headerMutants(signer)]
  headers.set(signer, cached)
  return cached
}

/** Changes the header and the claims in one way each, and sometimes random characters. */
function randomMutant(signer: TestKey, _ring: Ring, chance: Chance): Mutant {
  const header = chance.below(4) === 0 ? GOOD_HEADER(signer) : chance.pick(headersOf(signer))
  const payload = chance.below(4) === 0 ? GOOD_CLAIMS : chance.pick(claims)
  const kinds = [header.kind, payload.kind]
  const texts = [header, payload].map(({ text }) => {
    if (chance.below(3) > 0) return text
    kinds.push('random')
    return changed(text.toString(), chance)
  })
  return {
    kinds,
    title: `${header.title}, ${payload.title}${kinds.length > 2 ? `, ${texts.join('.')}` : ''}`,
    raw: () => forge(signer, { header: texts[0] ?? '', claims: texts[1] ?? '' }),
  }
}

const GOOD_HEADER = (signer: TestKey): TextMutant => ({
  kind: 'harmless',
  title: 'a valid header',
  text: JSON.stringify(goodHeader(signer)),
})
const GOOD_CLAIMS: TextMutant = {
  kind: 'harmless',
  title: 'valid claims',
  text: JSON.stringify(goodClaims()),
}

const CHARACTERS = '{}[]":,\\/.- 0123456789eEtfnulrsaxyz_@\t\u00e9'

function changed(text: string, chance: Chance): string {
  let target = text
  for (let changes = chance.below(3); changes >= 0; changes--) {
    const at = chance.below(target.length + 1)
    const by = chance.pick([...CHARACTERS])
    target = target.slice(0, at) + by + target.slice(at + chance.below(2))
  }
  return target
}

t.test('J2 to J12: accepts no header and no claims that jose rejects', async (t) => {
  const family = { share: 0.4, systematic: systematicMutants, random: randomMutant }
  const { total, both, neither, stricter } = await runMutants(t, 'header and claims', family)
  t.ok(both > total / 10, 'includes valid tokens')
  t.ok(neither > total / 5, 'includes invalid tokens')
  for (const kind of STRICTER) t.ok(stricter.has(kind), `includes tokens of the kind: ${kind}`)
})
