/** Verifies signatures of every kind over valid tokens with jose and this package (RFC 7518 §3). */
import { createHmac } from 'node:crypto'
import t from 'tap'
import { goodClaims, goodHeader, outcome, signature, signed } from '../../test/fixtures/forgery.js'
import { base64url, type TestKey } from '../../test/fixtures/issuer.js'
import { Chance, TOKENS } from '../../test/fixtures/random.js'
import { partsOf, poolOf, validToken } from './fixtures/pool.js'
import { RINGS, type Ring } from './fixtures/rings.js'
import { type Mutant, runMutants } from './fixtures/run-mutants.js'
import { signatureMutants } from './fixtures/signature-mutants.js'
import { resultOf, Verifiers } from './fixtures/verifiers.js'

const SAME = ['same result']

function* systematicMutants(signer: TestKey, ring: Ring, chance: Chance): Generator<Mutant> {
  const [header, payload, signature] = partsOf(validToken(signer, chance))
  const input = `${header}.${payload}`
  const valid = Buffer.from(signature, 'base64url')
  for (const { title, bytes } of signatureMutants(signer, input, valid, chance)) {
    const raw = () => `${input}.${Buffer.from(bytes()).toString('base64url')}`
    yield { kinds: SAME, title: `${signer.alg}: ${title}`, raw }
  }
  for (const other of allSigners) yield* mixed(signer, other, chance)
  if (ring.secret === undefined) yield* publicKeyAsSecret(signer)
  yield { kinds: ['harmless'], title: 'valid', raw: () => `${input}.${signature}` }
}

const allSigners: readonly TestKey[] = RINGS.flatMap(({ signers }) => signers)

/**
 * Combines two signers: the token of one signer with the other signer's algorithm, key, `kid`,
 * segments or signature.
 */
function* mixed(signer: TestKey, other: TestKey, chance: Chance): Generator<Mutant> {
  const [mine, theirs] = [signer, other].map((key) => partsOf(validToken(key, chance)))
  const title = `${signer.alg} and ${other.alg}`
  if (mine === undefined || theirs === undefined) return
  for (let which = 1; which < 7; which++) {
    const list = mine.map((part, i) => (which & (1 << i) ? theirs[i] : part))
    yield { kinds: SAME, title: `${title}: segments ${which}`, raw: () => list.join('.') }
  }
  const [header, payload] = mine
  const claims = base64url(goodClaims())
  const headerWith = (members: Record<string, unknown>) =>
    base64url({ ...goodHeader(signer), ...members })
  for (const [how, input] of Object.entries({
    'signed by the other': `${header}.${payload}`,
    'with its alg': `${headerWith({ alg: other.alg })}.${claims}`,
    'with its kid': `${headerWith({ kid: other.publicJwk.kid })}.${claims}`,
  })) {
    yield { kinds: SAME, title: `${title}: ${how}`, raw: () => signed(other, input) }
    yield { kinds: SAME, title: `${title}: ${how}, self-signed`, raw: () => signed(signer, input) }
  }
}

/** Uses a public key as an HMAC secret, which both verifiers must reject. */
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

/** Changes bytes of a valid signature, or combines segments of three tokens. */
function randomMutant(signer: TestKey, ring: Ring, chance: Chance): Mutant {
  const [header, payload, signature] = partsOf(validToken(signer, chance))
  if (chance.below(2) === 0) {
    const parts = [signer, chance.pick(ring.signers), chance.pick(allSigners)]
    const list = chance.shuffle(parts).map((key, i) => partsOf(validToken(key, chance))[i])
    return { kinds: SAME, title: 'three tokens in one', raw: () => list.join('.') }
  }
  const bytes = Buffer.from(signature, 'base64url')
  for (let changes = chance.below(3); changes >= 0; changes--) {
    bytes[chance.below(bytes.length)] = chance.pick([0, 1, 0x7f, 0x80, 0xff, chance.below(256)])
  }
  const raw = `${header}.${payload}.${bytes.toString('base64url')}`
  return { kinds: SAME, title: `${signer.alg}: bytes of the signature`, raw: () => raw }
}

t.test('J1, J14, J16: accepts no signature that jose rejects', async (t) => {
  const family = { share: 0.35, systematic: systematicMutants, random: randomMutant }
  const { total, neither, both } = await runMutants(t, 'signatures', family)
  t.ok(both > total / 100, 'includes valid signatures, such as (r, n - s) of an ECDSA signature')
  t.ok(neither > total / 2, 'includes invalid signatures')
})

t.test(
  'concurrent tokens with the same signature get the same results as one at a time',
  async (t) => {
    const chance = new Chance('concurrent')
    let rounds = 0
    for (const ring of RINGS) {
      const verifiers = await Verifiers.of(ring)
      for (const signer of ring.signers) {
        for (let i = 0; i < Math.ceil(TOKENS / 8_000); i++, rounds++) {
          const raws = raceOf(signer, chance)
          const alone = []
          for (const raw of raws) alone.push(await outcome(verifiers.plain, raw))
          for (const use of ['first', 'second', 'third']) {
            const together = await Promise.all(raws.map((raw) => resultOf(verifiers.cached, raw)))
            t.same(together, alone, `${ring.name}, ${signer.alg}, ${use} use`)
          }
          t.same(alone.filter((result) => result === 'accepted').length, 3)
        }
      }
    }
    t.ok(rounds > 50)
  },
)

/** Returns a new token three times, in random order with other tokens that have its signature. */
function raceOf(signer: TestKey, chance: Chance): readonly string[] {
  const claims = goodClaims({ jti: `race-${chance.below(2 ** 31)}` })
  const input = `${base64url(goodHeader(signer))}.${base64url(claims)}`
  const valid = `${input}.${signature(signer, input).toString('base64url')}`
  const [header, payload, end] = partsOf(valid)
  const admin = base64url({ ...claims, sub: 'admin' })
  const other = partsOf(chance.pick(poolOf(signer)))
  return chance.shuffle([
    valid,
    `${header}.${admin}.${end}`,
    valid,
    `${other[0]}.${payload}.${end}`,
    `${header}.${other[1]}.${end}`,
    valid,
  ])
}
