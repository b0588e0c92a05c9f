/**
 * Measures one case in one round. The rows take short turns, so that a disturbance of the machine
 * for a second affects all of them. The client reports rate and latency, the server its CPU time.
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

  /** Runs before the first round, so that V8 has compiled the row's code and grown its heap. */
  async warmUp(row) {
    const count = this.#options.warmUpTokens
    await this.#measureRows(
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

  /** @returns the measurements of each row, by its name. */
  async measure(rows, benchCase, round) {
    const { prime, count } = benchCase
    if (prime === 'always' || (prime === 'once' && round === 0)) {
      for (const row of rows) {
        await this.#measureRows(
          [row],
          benchCase,
          { begin: 0 },
          { slices: 1, total: count, milliseconds: 60_000 },
        )
      }
    }
    const { slices, milliseconds, newPerRound } = this.#options
    if (benchCase.kind === 'new') {
      const part = { first: round * newPerRound, count: newPerRound }
      return this.#measureRows(rows, benchCase, part, {
        slices,
        total: Math.floor(newPerRound / slices),
        milliseconds: milliseconds.new / slices,
      })
    }
    return this.#measureRows(
      rows,
      benchCase,
      { begin: (round * 7_919) % count },
      {
        slices,
        // Sends each known token in each round, because a cache might evict an unused one.
        total: benchCase.kind === 'known' ? Math.max(count, 10_000) / slices : undefined,
        milliseconds: milliseconds[benchCase.kind] / slices,
      },
    )
  }

  async #measureRows(rows, benchCase, part, { slices, ...load }) {
    const turnsOfRows = rows.map(
      (row) => new Turns(row, benchCase, this.#client, this.#keySetServer),
    )
    for (const turns of turnsOfRows) {
      await turns.open({
        list: this.#tokens.lists[benchCase.list],
        first: benchCase.first,
        count: benchCase.count,
        connections: CONNECTIONS,
        ...part,
      })
    }
    for (let slice = 0; slice < slices; slice++) {
      for (const turns of rotate(turnsOfRows, slice)) await turns.measureOne(load)
    }
    return Object.fromEntries(
      await Promise.all(turnsOfRows.map(async (turns) => [turns.name, await turns.close()])),
    )
  }
}

/** The turns of one row in a case. */
class Turns {
  #row
  #benchCase
  #client
  #keySetServer
  #slices = []
  #fetches = 0

  constructor(row, benchCase, client, keySetServer) {
    this.#row = row
    this.#benchCase = benchCase
    this.#client = client
    this.#keySetServer = keySetServer
  }

  get name() {
    return this.#row.name
  }

  async open(settings) {
    await this.#client.call('open', { name: this.name, port: this.#row.port, ...settings })
  }

  async measureOne(load) {
    const fetchesBefore = this.#keySetServer.keySetFetches
    const before = await this.#row.server.call('cpu')
    const { responses, statuses, seconds } = await this.#client.call('load', {
      name: this.name,
      ...load,
    })
    const cpu = (await this.#row.server.call('cpu')) - before
    this.#slices.push({ perSecond: responses / seconds, cpu: cpu / responses })
    this.#fetches += this.#keySetServer.keySetFetches - fetchesBefore
    this.#requireStatus(statuses)
  }

  async close() {
    const latency = await this.#client.call('close', { name: this.name })
    return { slices: this.#slices, ...latency, keySetFetches: this.#fetches }
  }

  #requireStatus(statuses) {
    const expected = expectedStatus(this.#row, this.#benchCase)
    if (Object.keys(statuses).every((status) => Number(status) === expected)) return
    throw new Error(
      `${this.name} responded with ${JSON.stringify(statuses)} in ${this.#benchCase.name}, expected ${expected}`,
    )
  }
}
