/**
 * Computes the figures of a path from its turns. Every comparison pairs two consecutive turns, so
 * that a disturbance of the machine affects both.
 */
import { mapValues } from './map-values.js'
import { BASELINE } from './measurement.js'
import { summaryOfRounds } from './statistics.js'

const QUANTITIES = ['cpu', 'mainThread', 'perSecond', 'p50', 'p99']

/** @param rounds for each round, the turns of each server of the path. */
export function figuresOf(path, rounds) {
  const { server, limits, beside = [], title, limit, openRoutes } = path
  const of = (name, quantity) =>
    summaryOfRounds(rounds.map((turns) => turns[name].map((turn) => turn[quantity])))
  const pairs = (a, b, compare) =>
    summaryOfRounds(rounds.map((turns) => turns[a].map((turn, i) => compare(turn, turns[b][i]))))
  const compared = (a, b) => ({
    cpuRatio: pairs(a, b, (x, y) => x.cpu / y.cpu),
    cpuMore: pairs(a, b, (x, y) => x.cpu - y.cpu),
    mainThreadRatio: pairs(a, b, (x, y) => x.mainThread / y.mainThread),
    mainThreadMore: pairs(a, b, (x, y) => x.mainThread - y.mainThread),
    throughputRatio: pairs(a, b, (x, y) => x.perSecond / y.perSecond),
  })
  const servers = mapValues(rounds[0], (turns, name) =>
    Object.fromEntries(
      QUANTITIES.filter((quantity) => Number.isFinite(turns[0][quantity])).map((quantity) => [
        quantity,
        of(name, quantity),
      ]),
    ),
  )
  const best = limits.toSorted((a, b) => servers[a].cpu.median - servers[b].cpu.median)[0]
  const others = Object.keys(servers).filter((name) => name !== server)
  return {
    title,
    limit,
    server,
    best,
    turns: rounds.reduce((sum, turns) => sum + turns[server].length, 0),
    servers,
    /** The measured server against each other one. */
    against: Object.fromEntries(others.map((name) => [name, compared(server, name)])),
    /** Each server against its open route. */
    ...('open' in servers && {
      toOpen: mapValues(servers, (_, name) => compared(name, openRoutes?.[name] ?? 'open')),
    }),
    kinds: Object.fromEntries(
      others.map((name) => {
        if (name.startsWith(`${BASELINE} `)) return [name, BASELINE]
        return [name, beside.includes(name) ? 'beside' : 'limit']
      }),
    ),
  }
}

/** Returns the figures of the path against its limit; `undefined` without a limit. */
export function againstLimit({ against, best }) {
  return against[best]
}
