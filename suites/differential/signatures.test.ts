/** Signatures of every kind over good headers and claims, to jose and to us (RFC 7518 §3). */
import { createHmac } from 'node:crypto'
import t from 'tap'
import { goodClaims, goodHeader, outcome, signature, signed } from '../../test/fixtures/forgery.js'
import { base64url, type TestKey } from '../../test/fixtures/issuer.js'
import { Chance, TOKENS } from '../../test/fixtures/random.js'
import { Judges, verdictOf } from './fixtures/judges.js'
import { type Mutant, play } from './fixtures/play.js'
import { goodToken, partsOf, poolOf } from './fixtures/pool.js'
import { RINGS, type Ring } from './fixtures/rings.js'
import { signatureMutants } from './fixtures/signature-mutants.js'

const SAME = ['same verdict']

function* written(signer: TestKey, ring: Ring, chance: Chance): Generator<Mutant> {
  const [header, payload, signature] = partsOf(goodToken(signer, chance))
  const input = `${header}.${payload}`
  const good = Buffer.from(signature, 'base64url')
  for (const { title, bytes } of signatureMutants(signer, input, good, chance)) {
    const raw = () => `${input}.${Buffer.from(bytes()).toString('base64url')}`
    yield { kinds: SAME, title: `${signer.alg}: ${title}`, raw }
  }
  for (const other of everybody) yield* mixed(signer, other, chance)
  if (ring.secret === undefined) yield* publicKeyAsSecret(signer)
  yield { kinds: ['harmless'], title: 'good', raw: () => `${input}.${signature}` }
}

const everybody: readonly TestKey[] = RINGS.flatMap(({ signers }) => signers)

/** What one signer says with another's algorithm, key, name, segments or signature. */
function* mixed(signer: TestKey, other: TestKey, chance: Chance): Generator<Mutant> {
  const [mine, theirs] = [signer, other].map((one) => partsOf(goodToken(one, chance)))
  const title = `${signer.alg} and ${other.alg}`
  if (mine === undefined || theirs === undefined) return
  for (let which = 1; which < 7; which++) {
    const list = mine.map((part, i) => (which & (1 << i) ? theirs[i] : part))
    yield { kinds: SAME, title: `${title}: segments ${which}`, raw: () => list.join('.') }
  }
  const [header, payload] = mine
  const claims = base64url(goodClaims())
  const named = (named: Record<string, unknown>) => base64url({ ...goodHeader(signer), ...named })
  for (const [how, input] of Object.entries({
    'signed by the other': `${header}.${payload}`,
    'naming its alg': `${named({ alg: other.alg })}.${claims}`,
    'naming its kid': `${named({ kid: other.publicJwk.kid })}.${claims}`,
  })) {
    yield { kinds: SAME, title: `${title}: ${how}`, raw: () => signed(other, input) }
    yield { kinds: SAME, title: `${title}: ${how}, by itself`, raw: () => signed(signer, input) }
  }
}

/** A public key is no secret. */
function* publicKeyAsSecret({ publicJwk, alg, privateKey }: TestKey): Generator<Mutant> {
  const secrets = [JSON.stringify(publicJwk), publicJwk.n ?? publicJwk.x ?? '', privateKey.type, '']
  for (const secret of secrets) {
    for (const mac of ['HS256', 'HS512', alg]) {
      const input = `${base64url({ alg: mac, kid: publicJwk.kid })}.${base64url(goodClaims())}`
      const hash = mac.endsWith('512') ? 'sha512' : 'sha256'
      const hmac = () => createHmac(hash, secret).update(input).digest('base64url')
      yield {
        kinds: SAME,
        title: `${mac}: a public key as secret`,
        raw: () => `${input}.${hmac()}`,
      }
    }
  }
}

/** Bytes of a good signature changed, or the segments of any three tokens. */
function byChance(signer: TestKey, ring: Ring, chance: Chance): Mutant {
  const [header, payload, signature] = partsOf(goodToken(signer, chance))
  if (chance.below(2) === 0) {
    const parts = [signer, chance.pick(ring.signers), chance.pick(everybody)]
    const list = chance.shuffle(parts).map((one, i) => partsOf(goodToken(one, chance))[i])
    return { kinds: SAME, title: 'three tokens in one', raw: () => list.join('.') }
  }
  const bytes = Buffer.from(signature, 'base64url')
  for (let changes = chance.below(3); changes >= 0; changes--) {
    bytes[chance.below(bytes.length)] = chance.pick([0, 1, 0x7f, 0x80, 0xff, chance.below(256)])
  }
  const raw = `${header}.${payload}.${bytes.toString('base64url')}`
  return { kinds: SAME, title: `${signer.alg}: bytes of the signature`, raw: () => raw }
}

t.test('J1, J14, J16: no signature is accepted that jose refuses', async (t) => {
  const family = { share: 0.35, systematic: written, random: byChance }
  const { total, neither, both } = await play(t, 'signatures', family)
  t.ok(both > total / 100, 'good ones among them, such as the twin of an ECDSA signature')
  t.ok(neither > total / 2, 'and bad ones')
})

t.test('tokens that end alike and come at once get the verdicts that they get alone', async (t) => {
  const chance = new Chance('at once')
  let rounds = 0
  for (const ring of RINGS) {
    const judges = await Judges.of(ring)
    for (const signer of ring.signers) {
      for (let i = 0; i < Math.ceil(TOKENS / 8_000); i++, rounds++) {
        const raws = raceOf(signer, chance)
        const alone = []
        for (const raw of raws) alone.push(await outcome(judges.plain, raw))
        for (const sight of ['first', 'second', 'third']) {
          const together = await Promise.all(raws.map((raw) => verdictOf(judges.cached, raw)))
          t.same(together, alone, `${ring.name}, ${signer.alg}, ${sight} sight`)
        }
        t.same(alone.filter((verdict) => verdict === 'accepted').length, 3)
      }
    }
  }
  t.ok(rounds > 50)
})

/** One new token three times, and between them others with its signature. */
function raceOf(signer: TestKey, chance: Chance): readonly string[] {
  const claims = goodClaims({ jti: `race-${chance.below(2 ** 31)}` })
  const input = `${base64url(goodHeader(signer))}.${base64url(claims)}`
  const good = `${input}.${signature(signer, input).toString('base64url')}`
  const [header, payload, end] = partsOf(good)
  const admin = base64url({ ...claims, sub: 'admin' })
  const other = partsOf(chance.pick(poolOf(signer)))
  return chance.shuffle([
    good,
    `${header}.${admin}.${end}`,
    good,
    `${other[0]}.${payload}.${end}`,
    `${header}.${other[1]}.${end}`,
    good,
  ])
}
