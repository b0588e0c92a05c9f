/** Measures the chosen paths and cases: in every round each of them, with its servers in turns. */
import { spawnSync } from 'node:child_process'
import { figuresOf } from './figures.js'
import { HOSTILE } from './hostile.js'
import { Child } from './ipc.js'
import { Issuance } from './issuance.js'
import { DEFAULT_ISSUER, IssuerServer } from './issuer.js'
import { AUDIENCE } from './jwt.js'
import { mapValues } from './map-values.js'
import { BASELINE, FileMeasurement } from './measurement.js'
import { rotate } from './statistics.js'
import { prepareTokens } from './tokens.js'

export async function measureAll(options) {
  const issuerServer = new IssuerServer()
  await issuerServer.listen(options.port)
  const client = new Child('client', new URL('./client.js', import.meta.url), {
    cpu: options.cpus?.client,
  })
  const files = []
  try {
    const issuer = `http://127.0.0.1:${options.port}/${DEFAULT_ISSUER}`
    const { jwks, lists } = await prepareTokens(issuer, countTokens(options))
    issuerServer.add(DEFAULT_ISSUER, { jwks })
    const context = { options, client, issuerServer, common: { issuer, jwks, lists } }
    for (const [file, paths] of byFile({ ...options.paths, ...prefixed(options.cases) })) {
      files.push(await PreparedFile.prepare(file, paths, context))
    }
    const skipped = Object.assign({}, ...files.map((file) => file.skipped))
    const measured = {}
    const figures = {}
    const memory = {}
    for (let round = 0; round < options.rounds; round++) {
      for (const file of rotate(files, round)) {
        console.error(`round ${round + 1} of ${options.rounds}: ${file.name}`)
        const result = await file.measure()
        for (const [path, turns] of Object.entries(result.turns)) {
          measured[path] ??= []
          measured[path].push(turns)
        }
        for (const [server, { figures: own, memory: used }] of Object.entries(result.servers)) {
          figures[`${file.name}/${server}`] = own
          if (used !== undefined) memory[server] = used
        }
      }
    }
    const summarized = (table, prefix) =>
      mapValues(
        filterKeys(table, (name) => `${prefix}${name}` in measured),
        (path, name) => ({
          ...figuresOf(path, measured[`${prefix}${name}`]),
          ...figures[`${path.file}/${path.server}`],
        }),
      )
    return {
      paths: summarized(options.paths, ''),
      cases: summarized(options.cases, CASE),
      skipped,
      memory: memoryPerToken(memory, lists),
    }
  } finally {
    client.stop()
    for (const file of files) await file.stop()
    issuerServer.close()
  }
}

/** Distinguishes cases from paths of the same name. */
const CASE = 'case '

function prefixed(cases) {
  return Object.fromEntries(Object.entries(cases).map(([name, path]) => [`${CASE}${name}`, path]))
}

/** The paths of one file, with what they share in all rounds: keys, tokens and a Redis server. */
class PreparedFile {
  name
  skipped
  #paths
  #context
  #settings
  #stop

  static async prepare(name, paths, context) {
    const { options, common, issuerServer } = context
    const module = await import(`./paths/${name}.js`)
    const file = new PreparedFile()
    file.name = name
    const missing = mapValues(paths, (path) => missingProgram(module.needs?.(path)))
    file.skipped = filterKeys(missing, (path) => missing[path] !== undefined)
    const present = filterKeys(paths, (path) => missing[path] === undefined)
    file.#paths = options.baseline === undefined ? present : mapValues(present, withBaseline)
    file.#context = context
    const audience = AUDIENCE
    const isPrepared = module.prepare !== undefined && Object.keys(present).length > 0
    const { stop, ...own } = isPrepared
      ? await module.prepare({
          audience,
          paths: Object.values(present),
          load: (entry) => import(new URL(`../dist/${entry}`, import.meta.url).href),
          issue: (suffix = '', issuerOptions = {}) =>
            new Issuance(issuerServer, `${name}${suffix}`, issuerOptions),
        })
      : {}
    file.#stop = stop
    file.#settings = { ...common, audience, ...own }
    return file
  }

  measure() {
    const { options, client } = this.#context
    const settings = this.#settings
    return new FileMeasurement(this.name, this.#paths, { settings, options, client }).measure()
  }

  async stop() {
    await this.#stop?.()
  }
}

function withBaseline(path) {
  return { ...path, baseline: `${BASELINE} ${path.server}` }
}

const found = new Map()

/** Returns the name of the program if it cannot be started. */
function missingProgram(program) {
  if (program === undefined) return undefined
  if (!found.has(program)) found.set(program, spawnSync(program, ['--version']).status === 0)
  return found.get(program) ? undefined : program
}

function byFile(paths) {
  const files = [...new Set(Object.values(paths).map(({ file }) => file))]
  return files.map((file) => [file, filterKeys(paths, (name) => paths[name].file === file)])
}

/** Returns the number of tokens in each list; the same for all choices of paths. */
function countTokens({ cases, turns, turnSize, warmUp }) {
  // Paths with new tokens have turns of 1,000.
  const count = warmUp.requests / 2 + 1_000 + turns * Math.ceil(1_000 * turnSize)
  return {
    known: 1_000,
    ...(Object.keys(cases).length > 0 && { 'known-20000': 20_000 }),
    ...Object.fromEntries(
      ['RS256', 'ES256', 'PS256', 'EdDSA'].map((algorithm) => [`new-${algorithm}`, count]),
    ),
    ...Object.fromEntries([...Object.keys(HOSTILE), 'expired'].map((name) => [name, 2_000])),
  }
}

/** Returns the growth of the heap for each known token, in bytes, by peer. */
function memoryPerToken(memory, lists) {
  return mapValues(memory, ({ before, after }) => ({
    heapPerToken: (after.heapUsed - before.heapUsed) / lists['known-20000'].count,
  }))
}

function filterKeys(object, keep) {
  return Object.fromEntries(Object.entries(object).filter(([key]) => keep(key)))
}
