/**
 * The conformance suite: every rule that a resource server owes, shown on the wire.
 *
 *   npm run suite -- conformance         this package in all its modes
 *   npm run suite -- conformance --help  and what else may be asked
 */
import { type Arguments, readArguments, USAGE } from './arguments.js'
import { type Played, play } from './play.js'
import { makeProperties, type Properties } from './stage/stage.js'
import { checks as allChecks } from './suite.js'
import { checksByTargets, forTerminal, idsByTargets, summary, unseenRows } from './table.js'
import { helper } from './targets/helper.js'
import { ours } from './targets/ours.js'
import { installPeer } from './targets/peers.js'
import { AUDIENCE, SCOPE, STEP_UP, type Target } from './targets/target.js'
import { urlTarget } from './targets/url.js'

process.exitCode = await run(process.argv.slice(2))

async function run(args: readonly string[]): Promise<number> {
  let read: Arguments
  try {
    read = readArguments(args)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
  if (read.help) {
    console.log(USAGE)
    return 0
  }
  const { format, isWanted } = read
  const tell = format === 'text' ? console.log : console.error
  const checks = allChecks.filter(({ id }) => isWanted(id))
  const begun = performance.now()
  const played: Played[] = []
  try {
    const targets = await targetsOf(read)
    const properties = await makeProperties()
    if (read.url !== undefined) tell(instructions(read.issuerPort))
    const port = read.url === undefined ? 0 : read.issuerPort
    const playOne = async (target: Target, properties: Properties) => {
      played.push(await play(target, checks, properties, port))
    }
    // They wait more than they compute: for issuers that hang, mostly.
    await Promise.all(targets.map((target) => playOne(target, properties)))
    played.sort((one, other) => nameOrder(targets, one) - nameOrder(targets, other))
  } catch (error) {
    console.error((error as Error).message)
    return 2
  }
  if (format === 'json') console.log(JSON.stringify(played, null, 2))
  else if (format === 'markdown') console.log(tables(played))
  else for (const one of played) console.log(forTerminal(one))
  const results = played.flatMap(({ results }) => results)
  tell(`${summary(results)}; ${((performance.now() - begun) / 1000).toFixed(0)} s`)
  return results.some(({ verdict }) => verdict === 'fail') ? 1 : 0
}

async function targetsOf({ url, peers, modes }: Arguments): Promise<readonly Target[]> {
  if (url !== undefined) return [urlTarget(url)]
  if (peers.length > 0) {
    const own = ours.filter(({ name }) => modes.includes(name))
    const others = []
    for (const peer of peers) others.push(...(await installPeer(peer)))
    return [...own, ...others]
  }
  const all = [...ours, helper]
  const chosen = modes.length === 0 ? all : all.filter(({ name }) => modes.includes(name))
  if (chosen.length === 0)
    throw new Error(`there are the modes ${all.map(({ name }) => name).join(', ')}`)
  return chosen
}

function nameOrder(targets: readonly Target[], { target }: Played): number {
  return targets.findIndex(({ name }) => name === target)
}

function tables(played: readonly Played[]): string {
  return [idsByTargets(played), checksByTargets(played), unseenRows()].join('\n\n')
}

function instructions(port: number): string {
  return [
    `issuer     http://127.0.0.1:${port}/oauth2/default`,
    `key set    http://127.0.0.1:${port}/oauth2/default/v1/keys`,
    `audience   ${AUDIENCE}`,
    'GET /           any good token',
    'POST /          the same',
    `GET /orders     the scope ${SCOPE}`,
    `GET /transfers  acr ${STEP_UP.acr}, signed in at most ${STEP_UP.maxAge} s ago (with step-up)`,
    '',
  ].join('\n')
}
