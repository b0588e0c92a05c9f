/** Measures all rows over HTTP: every round measures each case with each row, in rotated order. */
import { cases as allCases, countTokens, includesRow } from './cases.js'
import { Child } from './ipc.js'
import { issuerAt, KeySetServer } from './issuer.js'
import { AUDIENCE } from './jwt.js'
import { mapValues } from './map-values.js'
import { Measurement } from './measurement.js'
import { memoryOf } from './memory.js'
import { rotate, summary } from './statistics.js'
import { prepareTokens } from './tokens.js'

/** Holds all known tokens and the new tokens of a round, so that no cache evicts a known token. */
const CACHE_ENTRIES = 50_000

export async function measureOverHttp(options) {
  const { port, rounds, cpus } = options
  const cases = allCases.filter((benchCase) => options.cases.includes(benchCase))
  const issuer = issuerAt(port)
  const tokens = await prepareTokens(issuer, countTokens(cases, options))
  const keySetServer = new KeySetServer()
  await keySetServer.listen(port, tokens.jwks)
  const client = new Child('client', new URL('./client.js', import.meta.url), { cpu: cpus?.client })
  const rows = options.rows.map((row) => ({ ...row }))
  try {
    const settings = {
      issuer,
      jwksUri: `${issuer}/v1/keys`,
      audience: AUDIENCE,
      jwks: tokens.jwks,
      cacheEntries: CACHE_ENTRIES,
    }
    const measurement = new Measurement({ client, keySetServer, tokens, options })
    console.error('warming up')
    for (const row of rows) {
      row.server = startServer(row, cpus?.server)
      row.port = (await row.server.call('serve', settings)).port
      await measurement.warmUp(row)
    }

    const measured = Object.fromEntries(
      cases.map((benchCase) => [benchCase.name, emptyColumns(rows, benchCase)]),
    )
    const memory = {}
    for (let round = 0; round <= rounds; round++) {
      for (const benchCase of cases) {
        const { name } = benchCase
        console.error(`${round === 0 ? 'warm-up round' : `round ${round}`}: ${name}`)
        const included = rotate(rows, round).filter((row) => includesRow(benchCase, row))
        const measure = () => measurement.measure(included, benchCase, round)
        if (round > 0) addTo(measured[name], await measure())
        else if (name === 'known-20000')
          Object.assign(memory, await memoryOf(included, benchCase, measure))
        else await measure()
      }
    }
    return { cacheEntries: CACHE_ENTRIES, cases: summarize(measured, rows), memory }
  } finally {
    client.stop()
    for (const { server } of rows) server?.stop()
    keySetServer.close()
  }
}

function startServer({ name }, cpu) {
  return new Child(name, new URL('./server.js', import.meta.url), {
    args: [name],
    nodeArgs: ['--expose-gc'],
    cpu,
  })
}

function emptyColumns(rows, benchCase) {
  const included = rows.filter((row) => includesRow(benchCase, row))
  return Object.fromEntries(included.map(({ name }) => [name, []]))
}

function addTo(columns, measured) {
  for (const [name, values] of Object.entries(measured)) columns[name].push(values)
}

/**
 * Computes ratios from consecutive turns, so that a disturbance of the machine affects both rows,
 * and latencies from whole rounds, because a turn has too few requests for a percentile.
 */
function summarize(measured, rows) {
  return mapValues(measured, (byRow) => {
    const slices = mapValues(byRow, (rounds) => rounds.flatMap((round) => round.slices))
    return mapValues(byRow, (rounds, name) => {
      const baseline = rows.find((row) => row.name === name).baseline
      const own = (key) => summary(slices[name].map((slice) => slice[key]))
      const relativeTo = (other, compare) =>
        slices[other] && summary(slices[name].map((slice, i) => compare(slice, slices[other][i])))
      const perSecond = (slice, other) => slice.perSecond / other.perSecond
      return {
        ratio: relativeTo('open', perSecond),
        toLimit: relativeTo('limit', perSecond),
        perSecond: own('perSecond'),
        cpu: own('cpu'),
        cpuMore: relativeTo(baseline, (slice, other) => slice.cpu - other.cpu),
        cpuToLimit: relativeTo('limit', (slice, other) => slice.cpu / other.cpu),
        p50: summary(rounds.map(({ p50 }) => p50)),
        p99: summary(rounds.map(({ p99 }) => p99)),
        p99Ratio: summary(rounds.map(({ p99 }, i) => p99 / byRow.open[i].p99)),
        keySetFetches: rounds.reduce((sum, { keySetFetches }) => sum + keySetFetches, 0),
      }
    })
  })
}
