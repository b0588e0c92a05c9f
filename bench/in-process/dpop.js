/**
 * Measures sender-constrained tokens (RFC 9449) with 50 concurrent requests: a known token with a
 * new ES256 proof for each request, compared with the bare verification of such a signature. Also
 * measures the memory that a used proof takes in the replay cache.
 */
import { createHash, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto'
import Fastify from 'fastify'
import resourceServer, { memoryStore } from '../../dist/index.js'
import { serveCalls } from '../ipc.js'
import { accessTokenClaims, signToken } from '../jwt.js'
import { ISSUER, issuerWith, keysFor } from './issuance.js'
import { sample } from './sample.js'

const BASE = 'https://api.example'
const IN_FLIGHT = 50

serveCalls({
  async measure({ quick }) {
    const count = quick ? 1_000 : 5_000
    return {
      requests: await sample(await subjects(count), quick ? 2 : 7),
      bytesPerProof: await bytesPerProof(quick ? 50_000 : 500_000),
    }
  },
})

async function subjects(count) {
  const [key] = keysFor('RS256')
  const client = new Client()
  const issuedAt = Math.floor(Date.now() / 1000)
  const claims = accessTokenClaims({ issuer: ISSUER, number: 1, issuedAt, lifetime: 86_400 })
  const [bearer, bound] = [claims, { ...claims, cnf: { jkt: client.jkt } }].map((payload) =>
    signToken(key, payload),
  )
  const app = Fastify()
  await app.register(resourceServer, { ...issuerWith([key]), dpop: { baseUrl: BASE } })
  app.get('/', async () => 'ok')
  await app.ready()
  const request = async (headers) => {
    const { statusCode } = await app.inject({ url: '/', headers })
    if (statusCode !== 200) throw new Error(`status ${statusCode}`)
  }
  const proofs = () => Array.from({ length: count }, () => client.proof(bound))
  const plain = Array.from({ length: count }, () => ({ authorization: `Bearer ${bearer}` }))
  return {
    'known bearer token': { run: () => runConcurrently(plain, request) },
    'known bound token, new proof': {
      prepare: proofs,
      run: (prepared) =>
        runConcurrently(prepared, (dpop) => request({ authorization: `DPoP ${bound}`, dpop })),
    },
    'known bound token, header that differs each time': {
      prepare: () => Array.from({ length: count }, () => client.proof(bound, { x: randomUUID() })),
      run: (prepared) =>
        runConcurrently(prepared, (dpop) => request({ authorization: `DPoP ${bound}`, dpop })),
    },
    'ES256 and nothing else': {
      prepare: proofs,
      run: (prepared) => runConcurrently(prepared, client.verify),
    },
  }
}

class Client {
  #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  #jwk = this.#keys.publicKey.export({ format: 'jwk' })
  jkt = hash(
    JSON.stringify({ crv: this.#jwk.crv, kty: this.#jwk.kty, x: this.#jwk.x, y: this.#jwk.y }),
  )
  #header = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: this.#jwk })

  proof(token, members) {
    const header =
      members === undefined
        ? this.#header
        : encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: this.#jwk, ...members })
    const iat = Math.floor(Date.now() / 1000)
    const claims = { jti: randomUUID(), htm: 'GET', htu: `${BASE}/`, iat, ath: hash(token) }
    const input = `${header}.${encode(claims)}`
    const key = { key: this.#keys.privateKey, dsaEncoding: 'ieee-p1363' }
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
  }

  verify = (proof) => {
    const end = proof.lastIndexOf('.')
    const key = { key: this.#keys.publicKey, dsaEncoding: 'ieee-p1363' }
    const signature = Buffer.from(proof.slice(end + 1), 'base64url')
    return new Promise((resolve, reject) => {
      verify('sha256', Buffer.from(proof.slice(0, end)), key, signature, (error, valid) => {
        if (valid) resolve()
        else reject(error ?? new Error('Invalid signature'))
      })
    })
  }
}

async function runConcurrently(items, work) {
  let next = 0
  const worker = async () => {
    while (next < items.length) await work(items[next++])
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  return items.length
}

async function bytesPerProof(count) {
  const store = memoryStore({ maxEntries: count })
  const before = heap()
  for (let i = 0; i < count; i++) await store.add(`dpop:${hash(`${i}`)}`, '', 60_000)
  const bytes = (heap() - before) / count
  // This call keeps the store reachable until the heap has been read.
  if ((await store.get('dpop:unknown')) !== undefined)
    throw new Error('The store has a key that was never added')
  return bytes
}

function heap() {
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

function hash(text) {
  return createHash('sha256').update(text).digest('base64url')
}

function encode(object) {
  return Buffer.from(JSON.stringify(object)).toString('base64url')
}
