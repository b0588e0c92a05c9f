/** A7: no proof is accepted twice: across restarts, with skewed or changed clocks, or with faulty stores. */
import t from 'tap'
import {
  createResourceServer,
  memoryStore,
  type ResourceServerOptions,
  type Store,
} from '../../../src/index.js'
import { DPoPClient } from '../../fixtures/dpop-client.js'
import { AUDIENCE, ISSUER, seconds } from '../../fixtures/issuer.js'
import { key, tokenOf } from '../../fixtures/protected-api.js'

const client = await DPoPClient.make()
const url = 'https://api.example/'
const token = await tokenOf({ cnf: { jkt: client.jkt }, iat: undefined, exp: seconds() + 1e6 })

const proofAt = (iat: number) => client.proof({ url, token }, { claims: { iat } })

async function start(options: Partial<ResourceServerOptions> = {}) {
  const server = await createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
    dpop: 'allowed',
    ...options,
  })
  return (proof: string): Promise<string> =>
    server.verify({ token, dpop: { proof, method: 'GET', url } }).then(
      () => 'accepted',
      ({ code, message }) => `${code}: ${message}`,
    )
}

/** Returns a store as in another process: its entries outlive the server. */
function outliving(store: Store): Store {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(store)) as (keyof Store)[]
  return Object.fromEntries(
    names.map((name) => [name, (store[name] as () => unknown).bind(store)]),
  ) as unknown as Store
}

const BEFORE_START = 'invalid_dpop_proof: The DPoP proof was made before this server started'
const USED = 'invalid_dpop_proof: The DPoP proof was used before'

t.test('without a store, rejects a proof created before the server started', async (t) => {
  const clock = { now: Date.now() }
  const now = () => clock.now
  const used = await proofAt(seconds(clock.now))
  const unused = await proofAt(seconds(clock.now) - 3)
  const before = await start({ now })
  t.equal(await before(used), 'accepted')
  clock.now += 2_000
  for (const stores of [{}, { replay: memoryStore() }]) {
    const restarted = await start({ now, stores })
    t.equal(await restarted(used), BEFORE_START)
    t.equal(await restarted(unused), BEFORE_START, 'even an unused one')
    t.equal(await restarted(await proofAt(seconds(clock.now))), 'accepted', 'of the same second')
    t.equal(await restarted(await proofAt(seconds(clock.now) - 0.5)), BEFORE_START)
    clock.now += 500_000
    const old = await proofAt(seconds(clock.now) - 59)
    t.equal(await restarted(old), 'accepted', 'later, older ones')
    clock.now -= 500_000
  }
  const shared = await start({ now, stores: { replay: outliving(memoryStore()) } })
  t.equal(await shared(unused), 'accepted', 'proofs in a store that outlives the server')
})

t.test('setting the clock after the start shifts the start time', async (t) => {
  const { now: real } = Date
  let offset = 0
  t.teardown(() => {
    Date.now = real
  })
  Date.now = () => real() + offset
  const send = await start()
  for (const step of [0, -3_600_000, 3_600_000, -86_400_000, 5]) {
    offset = step
    t.equal(await send(await proofAt(seconds(Date.now()))), 'accepted', `${step} ms`)
  }
})

t.test('setting the clock forward and back makes no used proof acceptable', async (t) => {
  const { now: real } = Date
  let offset = 0
  t.teardown(() => {
    Date.now = real
  })
  Date.now = () => real() + offset
  for (const stores of [{}, { replay: memoryStore() }, { replay: outliving(memoryStore()) }]) {
    const send = await start({ stores })
    const used = await proofAt(seconds())
    t.equal(await send(used), 'accepted')
    for (const forward of [200_000, 3_600_000, 86_400_000]) {
      offset = forward
      // Adding removes expired entries.
      t.equal(await send(await proofAt(seconds(Date.now()))), 'accepted')
      t.match(await send(used), /too old/)
      offset = 0
      t.equal(await send(used), USED, `${forward} ms forward and back`)
    }
  }
})

t.test('accepts no proof twice on instances whose clocks differ by the tolerance', async (t) => {
  const begin = seconds() * 1_000
  const [maxAge, clockTolerance] = [8, 3]
  let time = begin
  let store = memoryStore()
  const methods = outliving(memoryStore())
  const shared = { ...methods, add: (...entry: Parameters<Store['add']>) => store.add(...entry) }
  const skews = [-clockTolerance, 0, clockTolerance]
  const instances = await Promise.all(
    skews.map((skew) =>
      start({
        dpop: { maxProofAge: maxAge },
        clockTolerance,
        stores: { replay: shared },
        now: () => time + skew * 1_000,
      }),
    ),
  )
  for (const [i, first] of instances.entries()) {
    store = memoryStore({ now: () => time })
    const iat = seconds(begin) + 20
    const proof = await proofAt(iat)
    const accepted: string[] = []
    for (time = begin; time < begin + 50_000; time += 500) {
      // The instances take turns at the first attempt at each moment.
      for (const send of [first, ...instances]) {
        if ((await send(proof)) === 'accepted') accepted.push(`${time - begin}`)
      }
    }
    t.equal(accepted.length, 1, `first at the instance with a clock ${skews[i]} s off`)
  }
  for (const late of instances) {
    // First used at the last possible moment, on an instance whose clock is behind.
    store = memoryStore({ now: () => time })
    const proof = await proofAt(seconds(begin) + 20)
    let accepted = 0
    for (time = begin + 20_000; time < begin + 60_000; time += 500) {
      if (accepted === 0 && time < begin + 27_000) continue
      for (const send of [late, ...instances]) if ((await send(proof)) === 'accepted') accepted++
    }
    t.equal(accepted, 1)
  }
})

t.test('treats only true from a store as a new proof', async (t) => {
  for (const response of [false, undefined, null, 1, 'OK', 'true', {}, [], new Boolean(true)]) {
    const store = memoryStore()
    store.add = (async () => response) as unknown as Store['add']
    const send = await start({ stores: { replay: store } })
    t.equal(await send(await proofAt(seconds())), USED, `${JSON.stringify(response)}`)
  }
  const store = memoryStore()
  store.add = (() => true) as unknown as Store['add']
  const send = await start({ stores: { replay: store } })
  t.equal(await send(await proofAt(seconds())), 'accepted', 'synchronously as well')
})
