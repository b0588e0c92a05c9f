/**
 * Measures the latency of valid tokens while an attacker floods the API: with encrypted tokens that
 * do not decrypt, or, as controls, at the same rate with forged plain JWTs and without a token. The
 * client, the attacker and the API are separate processes, and each condition gets a turn in every
 * round.
 */
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Child } from '../ipc.js'
import { DEFAULT_ISSUER, IssuerServer } from '../issuer.js'
import { AUDIENCE, generateKey } from '../jwt.js'
import { rotate, summary } from '../statistics.js'
import { forged, withTag } from './hostile-jwe.js'
import { encrypt, jwtOf, makeKeys, optionsWith } from './keys.js'

const PORT = 40_873
const FLOODED_KEY = 'RSA 2048'
const KNOWN_TOKENS = 100
const CLIENT_CONNECTIONS = 50
/** More than the API decrypts and queues at a time, so that the attacker can fill the queue. */
const FLOOD_CONNECTIONS = 400
/** The flood starts and ends before and after the valid requests. */
const LEAD_SECONDS = 0.5

/** Valid requests a second, by kind of token. */
const HONEST_PER_SECOND = {
  'known plain': 200,
  'new plain, RS256': 100,
  'new plain, ES256': 100,
  'new encrypted': 10,
}

export class FloodBenchmark {
  #keys = { ...makeKeys(), es256: generateKey('ES256') }
  #issuerServer = new IssuerServer()
  #issuer
  #server = child('server', '../server.js', ['peers', 'ours'])
  #client = child('client', './paced-client.js')
  #attacker = child('attacker', './paced-client.js')
  #number = 0
  #port
  #known
  #floods

  async open() {
    const { signer, es256 } = this.#keys
    await this.#issuerServer.listen(PORT)
    const jwks = { keys: [signer.jwk, es256.jwk] }
    this.#issuer = this.#issuerServer.add(DEFAULT_ISSUER, { jwks })
    const { port } = await this.#server.call('serve', {
      dist: fileURLToPath(new URL('../../dist/', import.meta.url)),
      issuer: this.#issuer,
      audience: AUDIENCE,
      decryption: optionsWith(this.#keys),
    })
    this.#port = port
    this.#known = Array.from({ length: KNOWN_TOKENS }, () => this.#jwt())
    const jwt = this.#jwt()
    this.#floods = {
      'no token': () => null,
      'plain JWT, random signature': () => forged(jwt),
      'encrypted, changed tag': await this.#changedTags(jwt),
    }
  }

  /** @param rates requests of the flood a second. */
  async measure({ rates, rounds, seconds }) {
    const conditions = [
      { name: 'no flood', perSecond: 0 },
      ...rates.flatMap((perSecond) =>
        Object.entries(this.#floods).map(([name, make]) => ({
          name: `${perSecond}/s ${name}`,
          perSecond,
          make,
        })),
      ),
    ]
    const turns = Object.fromEntries(conditions.map(({ name }) => [name, []]))
    for (let round = 0; round <= rounds; round++) {
      console.error(round === 0 ? 'warm-up round' : `round ${round} of ${rounds}`)
      for (const condition of rotate(conditions, round)) {
        const turn = await this.#turn(condition, seconds)
        if (round > 0) turns[condition.name].push(turn)
      }
    }
    return conditions.map(({ name, perSecond }) => ({
      name,
      perSecond,
      ...summarize(turns[name], turns['no flood']),
    }))
  }

  close() {
    for (const process of [this.#server, this.#client, this.#attacker]) process.stop()
    this.#issuerServer.close()
  }

  async #turn({ perSecond, make }, seconds) {
    const honest = await this.#honestStreams(seconds)
    const floodSeconds = seconds + 2 * LEAD_SECONDS
    const tokens = Array.from({ length: perSecond * floodSeconds }, () => make())
    const port = this.#port
    await this.#client.call('open', { port, count: CLIENT_CONNECTIONS })
    if (perSecond > 0) await this.#attacker.call('open', { port, count: FLOOD_CONNECTIONS })
    const cpuBefore = await this.#server.call('cpuTime')
    const startedAt = performance.now()
    const flooding =
      perSecond === 0
        ? undefined
        : this.#attacker.call('load', { streams: { flood: { tokens, seconds: floodSeconds } } })
    await new Promise((resolve) => setTimeout(resolve, LEAD_SECONDS * 1_000))
    const { results: latencies } = await this.#client.call('load', { streams: honest })
    const flood = await flooding
    const elapsed = (performance.now() - startedAt) * 1_000
    const cpu = await this.#server.call('cpuTime')
    requireAccepted(latencies)
    return {
      latencies,
      floodStatuses: flood?.results.flood.statuses ?? {},
      attackerShare: (flood?.cpu ?? 0) / elapsed,
      cpuShare: (cpu.total - cpuBefore.total) / elapsed,
      mainThreadShare: (cpu.mainThread - cpuBefore.mainThread) / elapsed,
    }
  }

  async #honestStreams(seconds) {
    const { es256, decryption } = this.#keys
    const make = {
      'known plain': (i) => this.#known[i % KNOWN_TOKENS],
      'new plain, RS256': () => this.#jwt(),
      'new plain, ES256': () => this.#jwt(es256),
      'new encrypted': () => encrypt(this.#jwt(), decryption[FLOODED_KEY]),
    }
    const streams = {}
    for (const [name, perSecond] of Object.entries(HONEST_PER_SECOND)) {
      const count = perSecond * seconds
      const tokens = await Promise.all(Array.from({ length: count }, (_, i) => make[name](i)))
      streams[name] = { tokens, seconds }
    }
    return streams
  }

  /** Returns a function that creates tokens which are as costly as tokens that decrypt. */
  async #changedTags(jwt) {
    const token = await encrypt(jwt, this.#keys.decryption[FLOODED_KEY])
    return () => withTag(token, randomBytes(16))
  }

  #jwt(key = this.#keys.signer) {
    return jwtOf(key, this.#issuer, this.#number++)
  }
}

function child(name, script, args = []) {
  return new Child(name, new URL(script, import.meta.url), { args, nodeArgs: ['--expose-gc'] })
}

/** The API may respond with 503 to new encrypted tokens only. */
function requireAccepted(latencies) {
  for (const [name, { statuses }] of Object.entries(latencies)) {
    const unexpected = Object.keys(statuses).filter(
      (status) => status !== '200' && !(name.startsWith('new encrypted') && status === '503'),
    )
    if (unexpected.length > 0) throw new Error(`${name}: ${JSON.stringify(statuses)}`)
  }
}

function summarize(turns, baseline) {
  const latencies = Object.keys(HONEST_PER_SECOND).map((name) => {
    const of = (percentile) => turns.map(({ latencies }) => latencies[name][percentile])
    const ratio = (percentile) =>
      summary(
        turns.map(
          ({ latencies }, i) =>
            latencies[name][percentile] / baseline[i].latencies[name][percentile],
        ),
      )
    return [
      name,
      {
        p50: summary(of('p50')),
        p99: summary(of('p99')),
        p50Ratio: ratio('p50'),
        p99Ratio: ratio('p99'),
        unavailable: share(turns.map(({ latencies }) => latencies[name].statuses)),
      },
    ]
  })
  return {
    latencies: Object.fromEntries(latencies),
    cpuShare: summary(turns.map(({ cpuShare }) => cpuShare)),
    mainThreadShare: summary(turns.map(({ mainThreadShare }) => mainThreadShare)),
    attackerShare: summary(turns.map(({ attackerShare }) => attackerShare)),
    floodUnavailable: share(turns.map(({ floodStatuses }) => floodStatuses)),
  }
}

/** Returns the share of responses with the status 503. */
function share(statuses) {
  const sum = (wanted) =>
    statuses.flatMap(Object.entries).reduce((total, [status, count]) => {
      return total + (wanted === undefined || status === wanted ? count : 0)
    }, 0)
  return sum('503') / Math.max(1, sum())
}
