/** Compares which keys of a key set jose and this package select for a token (RFC 7517 §4, §5). */
import { generateKeyPairSync, KeyObject } from 'node:crypto'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWK } from 'jose'
import t from 'tap'
import { importKeySet } from '../../src/keys/key-set.js'
import { Chance, SEED, TOKENS } from '../../test/fixtures/random.js'

t.test('J13: selects the same keys of a key set as jose', async (t) => {
  const chance = new Chance('key sets')
  const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' }) as JWK
  const material: readonly JWK[] = [
    jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey),
    ...['P-256', 'P-384', 'P-521'].map((namedCurve) =>
      jwkOf(generateKeyPairSync('ec', { namedCurve }).publicKey),
    ),
    jwkOf(generateKeyPairSync('ed25519').publicKey),
    jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
    jwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey),
    jwkOf(generateKeyPairSync('ed448').publicKey),
    jwkOf(generateKeyPairSync('x25519').publicKey),
    jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    { kty: 'oct', k: 'c2VjcmV0' },
    { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' },
    { kty: 'RSA', e: 'AQAB' } as JWK,
  ]
  const algorithms = [
    'RS256',
    'RS512',
    'PS256',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
    'Ed25519',
  ] as const
  const kids = [undefined, 'a', 'b', '__proto__', 'constructor', '']
  const absentOr = (value: Record<string, unknown>) => (chance.below(3) === 0 ? value : {})
  const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('base64url')

  const counts = { chosen: 0, none: 0, stricter: 0 }
  const sets = Math.ceil(TOKENS / 50)
  for (let i = 0; i < sets; i++) {
    const members = Array.from({ length: 1 + chance.below(6) }, () => ({
      ...chance.pick(material),
      ...absentOr({ kid: chance.pick([...kids, null, 5]) }),
      ...absentOr({ alg: chance.pick([...algorithms, 'none', 'RSA-OAEP', null, 5, '']) }),
      ...absentOr({ use: chance.pick(['sig', 'sig', 'enc', null, '']) }),
      ...absentOr({
        key_ops: chance.pick([
          ['verify'],
          ['verify'],
          ['verify', 'verify'],
          ['sign'],
          [],
          'verify',
          null,
        ]),
      }),
      ...absentOr(chance.below(4) === 0 ? { ext: chance.pick([true, false, null, 'true']) } : {}),
    }))
    const local = createLocalJWKSet(withoutNulls({ keys: members }))
    const ours = await importKeySet(JSON.parse(JSON.stringify({ keys: members })), 99).catch(
      () => undefined,
    )
    for (const alg of algorithms) {
      for (const kid of kids) {
        const header = kid === undefined ? { alg } : { alg, kid }
        const jose = (await joseKeys(local, header)).map(spki)
        const found = (ours?.find(alg, kid) ?? []).map(({ material }) => spki(material))
        const excess = found.filter((key) => !jose.includes(key))
        const described = `${JSON.stringify(header)} in ${JSON.stringify(members)}`
        if (excess.length > 0) t.fail(`selects a key that jose does not: ${described}`)
        const missed = jose.filter((key) => !found.includes(key))
        // jose selects small RSA keys and rejects them later. This package treats a `kid` that is
        // not a string as malformed; jose does so only for tokens with a `kid`.
        const isIntended = members.some(
          (member) =>
            (member.n !== undefined && member.n.length < 200) ||
            (member.kid !== undefined && typeof member.kid !== 'string'),
        )
        if (missed.length > 0 && !isIntended) t.fail(`misses a key that jose selects: ${described}`)
        if (found.length > 0) counts.chosen++
        else if (missed.length > 0) counts.stricter++
        else counts.none++
      }
    }
  }
  t.comment(`seed ${SEED}: ${sets} key sets: ${JSON.stringify(counts)}`)
  t.ok(counts.chosen > sets / 2)
  t.ok(counts.none > sets)
})

/** Removes null members and empty `key_ops`, which this package ignores and jose rejects. */
function withoutNulls(jwks: object): JSONWebKeySet {
  return JSON.parse(JSON.stringify(jwks), (name, value) =>
    value === null || (name === 'key_ops' && value.length === 0) ? undefined : value,
  )
}

async function joseKeys(
  local: ReturnType<typeof createLocalJWKSet>,
  header: { alg: string; kid?: string },
): Promise<KeyObject[]> {
  try {
    return [KeyObject.from(await local(header))]
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return []
    const found: KeyObject[] = []
    for await (const key of error) found.push(KeyObject.from(key))
    return found
  }
}
