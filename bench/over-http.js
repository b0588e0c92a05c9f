/** The interleaved run: every round asks every row in every case, and begins with another row. */
import { cases as allCases, countTokens, takesPart } from './cases.js'
import { Child } from './ipc.js'
import { issuerAt, KeySetServer } from './issuer.js'
import { AUDIENCE } from './jwt.js'
import { mapValues } from './map-values.js'
import { Measurement } from './measurement.js'
import { memoryOf } from './memory.js'
import { rotate, summary } from './statistics.js'
import { prepareTokens } from './tokens.js'

/** All known tokens, and the new ones of a round in all algorithms, so that no known one is lost. */
const CACHE_ENTRIES = 50_000

export async function measureOverHttp(options) {
  const { port, rounds, cpus } = options
  const cases = allCases.filter((one) => options.cases.includes(one))
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
      row.port = (await row.server.ask('serve', settings)).port
      await measurement.warmUp(row)
    }

    const taken = Object.fromEntries(cases.map((one) => [one.name, emptyColumns(rows, one)]))
    const memory = {}
    for (let round = 0; round <= rounds; round++) {
      for (const one of cases) {
        console.error(`round ${round || 'that warms up'}: ${one.name}`)
        const asked = rotate(rows, round).filter((row) => takesPart(row, one))
        const measure = () => measurement.take(asked, one, round)
        if (round > 0) addTo(taken[one.name], await measure())
        else if (one.name === 'known-20000')
          Object.assign(memory, await memoryOf(asked, one, measure))
        else await measure()
      }
    }
    return { cacheEntries: CACHE_ENTRIES, cases: summarise(taken, rows), memory }
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

function emptyColumns(rows, one) {
  return Object.fromEntries(rows.filter((row) => takesPart(row, one)).map(({ name }) => [name, []]))
}

function addTo(columns, measured) {
  for (const [name, one] of Object.entries(measured)) columns[name].push(one)
}

/**
 * Ratios are of turns that followed each other, so that whatever slowed the machine then slowed both;
 * latencies, of which a turn has too few, of a round.
 */
function summarise(taken, rows) {
  return mapValues(taken, (byRow) => {
    const slices = mapValues(byRow, (rounds) => rounds.flatMap((round) => round.slices))
    return mapValues(byRow, (rounds, name) => {
      const baseline = rows.find((row) => row.name === name).baseline
      const own = (key) => summary(slices[name].map((slice) => slice[key]))
      const beside = (other, compare) =>
        slices[other] && summary(slices[name].map((slice, i) => compare(slice, slices[other][i])))
      const perSecond = (slice, other) => slice.perSecond / other.perSecond
      return {
        ratio: beside('open', perSecond),
        toLimit: beside('limit', perSecond),
        perSecond: own('perSecond'),
        cpu: own('cpu'),
        cpuMore: beside(baseline, (slice, other) => slice.cpu - other.cpu),
        cpuToLimit: beside('limit', (slice, other) => slice.cpu / other.cpu),
        p50: summary(rounds.map(({ p50 }) => p50)),
        p99: summary(rounds.map(({ p99 }) => p99)),
        p99Ratio: summary(rounds.map(({ p99 }, i) => p99 / byRow.open[i].p99)),
        keySetFetches: rounds.reduce((sum, one) => sum + one.keySetFetches, 0),
      }
    })
  })
}
