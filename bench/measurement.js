/**
 * One case in one round: its rows take turns in short slices, so that whatever slows the machine for
 * a second slows all of them. Rate and latency are the client's, CPU the server's.
 */
import { expectedStatus, warmUp } from './cases.js'
import { rotate } from './statistics.js'

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

  /** Before any round: every row compiled, with a heap that lives. */
  async warmUp(row) {
    const count = this.#options.warmUpTokens
    await this.#measure(
      [row],
      warmUp,
      { count },
      {
        slices: 1,
        total: count,
        milliseconds: this.#options.milliseconds.warmUp,
      },
    )
  }

  /** @returns what was measured of each row, by its name. */
  async take(rows, one, round) {
    const { prime, count } = one
    if (prime === 'always' || (prime === 'once' && round === 0)) {
      for (const row of rows) {
        await this.#measure(
          [row],
          one,
          { begin: 0 },
          { slices: 1, total: count, milliseconds: 60_000 },
        )
      }
    }
    const { slices, milliseconds, newPerRound } = this.#options
    if (one.kind === 'new') {
      const part = { first: round * newPerRound, count: newPerRound }
      return this.#measure(rows, one, part, {
        slices,
        total: Math.floor(newPerRound / slices),
        milliseconds: milliseconds.new / slices,
      })
    }
    return this.#measure(
      rows,
      one,
      { begin: (round * 7_919) % count },
      {
        slices,
        // A known token that wasn't asked for in a round might fall out of a cache before the next.
        total: one.kind === 'known' ? Math.max(count, 10_000) / slices : undefined,
        milliseconds: milliseconds[one.kind] / slices,
      },
    )
  }

  async #measure(rows, one, part, { slices, ...load }) {
    const turns = rows.map((row) => new Turns(row, one, this.#client, this.#keySetServer))
    for (const turn of turns) {
      await turn.open({
        list: this.#tokens.lists[one.list],
        first: one.first,
        count: one.count,
        connections: CONNECTIONS,
        ...part,
      })
    }
    for (let slice = 0; slice < slices; slice++) {
      for (const turn of rotate(turns, slice)) await turn.take(load)
    }
    return Object.fromEntries(
      await Promise.all(turns.map(async (turn) => [turn.name, await turn.close()])),
    )
  }
}

/** One row's turns in a case. */
class Turns {
  #row
  #one
  #client
  #keySetServer
  #slices = []
  #fetches = 0

  constructor(row, one, client, keySetServer) {
    this.#row = row
    this.#one = one
    this.#client = client
    this.#keySetServer = keySetServer
  }

  get name() {
    return this.#row.name
  }

  async open(settings) {
    await this.#client.ask('open', { name: this.name, port: this.#row.port, ...settings })
  }

  async take(load) {
    const fetchesBefore = this.#keySetServer.fetches
    const before = await this.#row.server.ask('cpu')
    const { answered, statuses, seconds } = await this.#client.ask('load', {
      name: this.name,
      ...load,
    })
    const cpu = (await this.#row.server.ask('cpu')) - before
    this.#slices.push({ perSecond: answered / seconds, cpu: cpu / answered })
    this.#fetches += this.#keySetServer.fetches - fetchesBefore
    this.#requireStatus(statuses)
  }

  async close() {
    const latency = await this.#client.ask('close', { name: this.name })
    return { slices: this.#slices, ...latency, keySetFetches: this.#fetches }
  }

  #requireStatus(statuses) {
    const expected = expectedStatus(this.#row, this.#one)
    if (Object.keys(statuses).every((status) => Number(status) === expected)) return
    throw new Error(
      `${this.name} answered ${JSON.stringify(statuses)} in ${this.#one.name}, and ${expected} is right`,
    )
  }
}
