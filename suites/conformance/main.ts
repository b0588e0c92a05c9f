/**
 * The conformance suite: tests every rule for a resource server on the wire.
 *
 *   npm run suite -- conformance         this package in all its modes
 *   npm run suite -- conformance --help  the options
 */
import { type Arguments, readArguments, USAGE } from './arguments.js'
import { createTestCredentials } from './harness/harness.js'
import { runChecks, type TargetResults } from './run-checks.js'
import { checks as allChecks } from './suite.js'
import {
  checksByTargets,
  forTerminal,
  idsByTargets,
  invisiblePropertiesTable,
  summary,
} from './table.js'
import { helper } from './targets/helper.js'
import { ours } from './targets/ours.js'
import { installPeer } from './targets/peers.js'
import { AUDIENCE, SCOPE, STEP_UP, type Target } from './targets/target.js'
import { urlTarget } from './targets/url.js'

process.exitCode = await run(process.argv.slice(2))

async function run(args: readonly string[]): Promise<number> {
  let options: Arguments
  try {
    options = readArguments(args)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
  if (options.help) {
    console.log(USAGE)
    return 0
  }
  const { format, isSelected } = options
  const log = format === 'text' ? console.log : console.error
  const checks = allChecks.filter(({ id }) => isSelected(id))
  const startedAt = performance.now()
  const all: TargetResults[] = []
  try {
    const targets = await targetsOf(options)
    const credentials = await createTestCredentials()
    if (options.url !== undefined) log(instructions(options.issuerPort))
    const port = options.url === undefined ? 0 : options.issuerPort
    const runTarget = async (target: Target) => {
      all.push(await runChecks(target, checks, credentials, port))
    }
    // In parallel, because the checks mostly wait, for issuers that hang.
    await Promise.all(targets.map(runTarget))
    all.sort((a, b) => nameOrder(targets, a) - nameOrder(targets, b))
  } catch (error) {
    console.error((error as Error).message)
    return 2
  }
  if (format === 'json') console.log(JSON.stringify(all, null, 2))
  else if (format === 'markdown') console.log(tables(all))
  else for (const target of all) console.log(forTerminal(target))
  const results = all.flatMap(({ results }) => results)
  log(`${summary(results)}; ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
  return results.some(({ status }) => status === 'fail') ? 1 : 0
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
    throw new Error(`--mode must be some of ${all.map(({ name }) => name).join(', ')}`)
  return chosen
}

function nameOrder(targets: readonly Target[], { target }: TargetResults): number {
  return targets.findIndex(({ name }) => name === target)
}

function tables(all: readonly TargetResults[]): string {
  return [idsByTargets(all), checksByTargets(all), invisiblePropertiesTable()].join('\n\n')
}

function instructions(port: number): string {
  return [
    `issuer     http://127.0.0.1:${port}/oauth2/default`,
    `key set    http://127.0.0.1:${port}/oauth2/default/v1/keys`,
    `audience   ${AUDIENCE}`,
    'GET /           any valid token',
    'POST /          the same',
    `GET /orders     the scope ${SCOPE}`,
    `GET /transfers  acr ${STEP_UP.acr}, signed in at most ${STEP_UP.maxAge} s ago (with step-up)`,
    '',
  ].join('\n')
}
