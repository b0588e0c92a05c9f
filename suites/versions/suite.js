/** Runs the tests in a copy of this repository on one Node, and returns the versions that ran. */
import { join } from 'node:path'
import { run } from './command.js'

/** The quick part: each step of the pipeline, HTTP/1 and HTTP/2, each type of binding, a client. */
const QUICK = [
  'test/api/wire.test.ts',
  'test/api/plugin.test.ts',
  'test/pipeline/pipeline.test.ts',
  'test/api/attacks.test.ts',
  'test/base/json-object.test.ts',
  'test/api/introspection.test.ts',
  'test/api/revocation.test.ts',
  'test/api/openapi.test.ts',
  'test/api/mtls.test.ts',
  'test/api/dpop.test.ts',
  'test/api/ml-dsa.test.ts',
  'test/keys/key-set.test.ts',
  'test/token/signature.test.ts',
  'test/testing/password-grant.test.ts',
  'test/api/interop/oidc-provider.test.ts',
  'test/api/interop/dpop.test.ts',
  'test/api/interop/openid-client.test.ts',
]

/** Reports the versions that ran. */
const RUNTIME = 'suites/versions/runtime.versions.ts'

/**
 * Runs every test of `npm test` with `all`, otherwise the quick part. Then runs `suite -- package`
 * on that Node or, for a row with other dependencies, `suite -- types --consumers` against their
 * types.
 */
export async function runSuite(copy, node, row, all) {
  const tap = [join('node_modules', '.bin', 'tap'), '--disable-coverage', '--reporter=tap']
  const files = all
    ? ['--include=test/**/*.test.ts', '--include=suites/**/*.test.ts', `--include=${RUNTIME}`]
    : [...QUICK, RUNTIME]
  const { code, output } = await run(node, [...tap, '--timeout=300', ...files], {
    cwd: copy,
    node,
    quiet: false,
  })
  const [, total] = /^# \{ total: (\d+)/m.exec(output) ?? []
  const versions = /# ran on (\{.*\})/.exec(output)?.[1]
  const ran = versions && JSON.parse(versions)
  const tests = { ran, total }
  if (code !== 0) return { ok: false, ...tests, problem: failures(output) }
  if (!isWanted(ran, row)) return { ok: false, ...tests, problem: `ran on ${versions}` }
  const [suite, ...args] = row.dependencies ? ['types', '--consumers'] : ['package']
  const options = { cwd: copy, node, quiet: false }
  const rest = await run(node, [join('suites', suite, 'run.js'), ...args], options)
  if (rest.code !== 0) return { ok: false, ...tests, problem: rest.output.slice(-4000) }
  return { ok: true, ...tests }
}

function isWanted(ran, { node, dependencies = {} }) {
  return (
    ran?.node.startsWith(`v${node}`) &&
    Object.entries(dependencies).every(
      ([name, version]) => version.startsWith('^') || ran[name] === version,
    )
  )
}

/** Returns each failed assertion with the 24 lines after it; at most 8,000 characters. */
function failures(output) {
  const lines = output.split('\n')
  const found = lines.flatMap((line, i) =>
    /^\s*not ok/.test(line) ? [lines.slice(i, i + 25).join('\n')] : [],
  )
  return (found.join('\n') || output).slice(0, 8000)
}
