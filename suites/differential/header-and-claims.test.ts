/** Headers and claims of every kind under good signatures, to jose and to us. */
import t from 'tap'
import { forge, goodClaims, goodHeader } from '../../test/fixtures/forgery.js'
import type { TestKey } from '../../test/fixtures/issuer.js'
import type { Chance } from '../../test/fixtures/random.js'
import { claimMutants } from './fixtures/claim-mutants.js'
import { headerMutants, type TextMutant } from './fixtures/header-mutants.js'
import { STRICTER } from './fixtures/intents.js'
import { type Mutant, play } from './fixtures/play.js'
import type { Ring } from './fixtures/rings.js'

function* written(signer: TestKey): Generator<Mutant> {
  for (const { kind, title, text } of headerMutants(signer)) {
    yield { kinds: [kind], title, raw: () => forge(signer, { header: text }) }
  }
  for (const { kind, title, text } of claimMutants()) {
    yield { kinds: [kind], title, raw: () => forge(signer, { claims: text }) }
  }
}

const claims: readonly TextMutant[] = [...claimMutants()]
/** The header mutants of each signer: creating them all takes longer than verifying one. */
const headers = new Map<TestKey, readonly TextMutant[]>()

function headersOf(signer: TestKey): readonly TextMutant[] {
  const known = headers.get(signer) ?? [...headerMutants(signer)]
  headers.set(signer, known)
  return known
}

/** One way in the header and another one in the claims, and any character by any other. */
function byChance(signer: TestKey, _ring: Ring, chance: Chance): Mutant {
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
  title: 'a good header',
  text: JSON.stringify(goodHeader(signer)),
})
const GOOD_CLAIMS: TextMutant = {
  kind: 'harmless',
  title: 'good claims',
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

t.test('J2 to J12: no header and no claims are accepted that jose refuses', async (t) => {
  const family = { share: 0.4, systematic: written, random: byChance }
  const { total, both, neither, stricter } = await play(t, 'header and claims', family)
  t.ok(both > total / 10, 'good ones among them')
  t.ok(neither > total / 5, 'and bad ones')
  for (const kind of STRICTER) t.ok(stricter.has(kind), `stricter, and it shows: ${kind}`)
})
