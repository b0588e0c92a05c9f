/** One row in one case in one round: rate and latency from the client, CPU from the server. */
import { expectedStatus, warmUp } from './cases.js'

const CONNECTIONS = 50

export class Measurement {
  #client
  #keySetServer
  #tokens
  #options

  constructor({ client, keySetServer, tokens, options }) {
    this.#client = client
    this.#keySetServer = keySetServer
    this.#tokens = tokens
    this.#options = options
  }

  async take(row, one, round) {
    const { prime } = one
    if (prime === 'always' || (prime === 'once' && round === 0)) {
      await this.#load(row, one, { begin: 0 }, { total: one.count })
    }
    const { milliseconds, newPerRound } = this.#options
    if (one.kind === 'new') {
      const slice = { first: round * newPerRound, count: newPerRound }
      return this.#load(row, one, slice, { total: newPerRound, milliseconds: milliseconds.new })
    }
    // A known token that wasn't asked for in a round might fall out of a cache before the next one.
    const total = one.kind === 'known' ? Math.max(one.count, 10_000) : undefined
    // Not always the same part of the list.
    const begin = (round * 7_919) % one.count
    return this.#load(row, one, { begin }, { total, milliseconds: milliseconds[one.kind] })
  }

  async warmUp(row) {
    const count = this.#options.warmUpTokens
    const { milliseconds } = this.#options
    await this.#load(row, warmUp, { count }, { total: count, milliseconds: milliseconds.warmUp })
  }

  async #load(row, one, part, load) {
    try {
      return await this.#measure(row, one, part, load)
    } catch (cause) {
      throw new Error(`${row.name} in ${one.name} failed`, { cause })
    }
  }

  async #measure(row, one, part, load) {
    await this.#client.ask('prepare', {
      port: row.port,
      list: this.#tokens.lists[one.list],
      first: one.first,
      count: one.count,
      connections: CONNECTIONS,
      ...part,
    })
    const fetchesBefore = this.#keySetServer.fetches
    const before = await row.server.ask('cpu')
    const { answered, statuses, seconds, latency } = await this.#client.ask('load', load)
    const after = await row.server.ask('cpu')
    requireStatus(row, one, statuses)
    return {
      perSecond: answered / seconds,
      cpu: (after - before) / answered,
      p50: latency.p50,
      p99: latency.p99,
      keySetFetches: this.#keySetServer.fetches - fetchesBefore,
    }
  }
}

function requireStatus(row, one, statuses) {
  const expected = expectedStatus(row, one)
  if (Object.keys(statuses).every((status) => Number(status) === expected)) return
  throw new Error(`it answered ${JSON.stringify(statuses)}, and ${expected} is right`)
}
