/** The replay cache of DPoP proofs in a shared store, tested through the resource server. */
import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import t from 'tap'
import { createResourceServer, memoryStore, type Store } from '../../src/index.js'
import { given, tokenOf } from '../fixtures/protected-api.js'

const url = 'https://api.example/orders'
const { privateKey, publicKey } = await generateKeyPair('ES256')
const jwk = await exportJWK(publicKey)
const token = await tokenOf({ cnf: { jkt: await calculateJwkThumbprint(jwk) } })

function proof(claims: { iat?: number } = {}): Promise<string> {
  const ath = createHash('sha256').update(token).digest('base64url')
  const iat = Math.floor(Date.now() / 1_000)
  return new SignJWT({ htm: 'GET', htu: url, ath, jti: randomUUID(), iat, ...claims })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
    .sign(privateKey)
}

function server(replay: Store) {
  const { issuer, audience, jwks } = given() as { issuer: string; audience: string; jwks: object }
  const dpop = { maxProofAge: 100 }
  return createResourceServer({
    issuer,
    audience,
    jwks,
    dpop,
    clockTolerance: 10,
    stores: { replay },
  })
}

t.test('P5: rejects a proof that was used on another instance', async (t) => {
  const longest: number[] = []
  const keys = new Set<string>()
  const inner = memoryStore()
  const store: Store = Object.assign(Object.create(inner) as Store, {
    add: (...entry: Parameters<Store['add']>) => {
      keys.add(entry[0])
      t.equal(entry[1], '')
      return inner.add(...entry)
    },
    get: t.fail,
    declareMaxTtl: (ttl: number) => longest.push(ttl),
  })
  const [one, other] = [await server(store), await server(store)]
  t.strictSame(longest, [140_000, 140_000], 'declares the longest TTL to the store')
  const dpop = { proof: await proof(), method: 'GET', url }
  await one.verify({ token, dpop })
  await t.rejects(other.verify({ token, dpop }), { check: 'proof', message: /was used before/ })
  await other.verify({ token, dpop: { ...dpop, proof: await proof() } })
  t.equal(keys.size, 2, 'each proof has its own key')
  for (const key of keys) t.match(key, /^dpop:[\w-]{43}$/)
  t.notMatch(JSON.stringify([...keys]), jwk.x as string)
})

t.test('P5: accepts exactly one of 2,000 concurrent uses of a proof', async (t) => {
  const it = await server(memoryStore())
  const dpop = { proof: await proof(), method: 'GET', url }
  const verifying = Array.from({ length: 2_000 }, () =>
    it.verify({ token, dpop }).then(
      () => 1,
      () => 0,
    ),
  )
  const passed = (await Promise.all(verifying)).reduce<number>((sum, one) => sum + one, 0)
  t.equal(passed, 1)
})

t.test('P5: rejects a proof that becomes stale during the store call', async (t) => {
  const now = Date.now()
  const clock = { now }
  const inner = memoryStore({ now: () => clock.now })
  let delay = 0
  const store: Store = Object.assign(Object.create(inner) as Store, {
    add: (...entry: Parameters<Store['add']>) => {
      clock.now += delay
      return inner.add(...entry)
    },
  })
  const { issuer, audience, jwks } = given() as { issuer: string; audience: string; jwks: object }
  const it = await createResourceServer({
    issuer,
    audience,
    jwks,
    dpop: { maxProofAge: 60 },
    clockTolerance: 0,
    stores: { replay: store },
    now: () => clock.now,
  })
  const use = async (proof: string) => it.verify({ token, dpop: { proof, method: 'GET', url } })

  const seconds = Math.floor(now / 1_000)
  const stale = { check: 'proof', message: /too old/ }
  for (const iat of [seconds, seconds + 0.25]) {
    clock.now = (iat + 1) * 1_000
    const used = await proof({ iat })
    await use(used)
    clock.now = (iat + 60) * 1_000 - 1
    await t.rejects(use(used), { message: /was used before/ }, 'while it is fresh')
    delay = 1
    const late = { check: 'proof', message: /too old|was used before/ }
    await t.rejects(use(used), late, 'when its entry has just expired')
    delay = 0
    clock.now = (iat + 60) * 1_000
    await t.rejects(use(used), stale, 'and afterwards')
  }
})
