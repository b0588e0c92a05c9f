/**
 * Implements the command `doctor`, which checks without a token whether this machine can verify the
 * tokens of an issuer.
 */
import type { Algorithm } from '../../base/algorithms.js'
import { httpUrl } from '../../http/secure-url.js'
import { type IssuerOptions, type ResolvedIssuer, resolveIssuer } from '../../issuer/options.js'
import type { ProfileName } from '../../issuer/providers/providers.js'
import type { Arguments } from '../arguments.js'
import { colorsFor } from '../colors.js'
import type { Command, Flags } from '../command.js'
import { ExitCode } from '../exit-code.js'
import { withFlagNames } from '../flag-errors.js'
import { ISSUER_FLAGS } from '../issuer-flags.js'
import { writeResult } from '../output.js'
import { jsonDocument } from '../printable.js'
import { widthOf } from '../wrap.js'
import { checkEnvironment } from './environment.js'
import { type HealthCheck, hasFailed, renderHealthChecks } from './health-check.js'
import { checkIssuer } from './issuer-health.js'

/** Default and maximum of the timeout of each exchange, in milliseconds, as in "jwks.timeout". */
const TIMEOUT_MS = 5_000
const MAX_TIMEOUT_MS = 60_000

const flags: Flags = {
  issuer: { value: 'ISSUER', help: 'The issuer that the API trusts (required)' },
  audience: {
    value: 'AUDIENCE',
    repeatable: true,
    help: 'An audience of the API; repeatable. Checked for the rules of the provider only',
  },
  profile: ISSUER_FLAGS.profile,
  algorithms: ISSUER_FLAGS.algorithms,
  'jwks-uri': ISSUER_FLAGS['jwks-uri'],
  timeout: {
    value: 'DURATION',
    help: 'Timeout of each exchange: 5s, 500ms, or a number of seconds. Default 5s',
  },
  'dangerously-allow-http': ISSUER_FLAGS['dangerously-allow-http'],
  json: { help: 'Print the checks as JSON' },
}

export const doctor: Command = {
  name: 'doctor',
  summary: 'Checks without a token whether this machine can verify the tokens of an issuer.',
  usage: '--issuer ISSUER [--audience AUDIENCE] [FLAGS]',
  flags,
  maxOperands: 0,
  notes: `Checks the proxy and TLS settings, the certificate, the metadata, the keys, the clock and the latency of
the issuer, with the functions of the plugin. Each failure says what to do. The exit code is 0 if no
check fails; warnings do not count. It fetches only metadata and keys, and sends no secret.`,
  examples: [
    'npx fastify-resource-server doctor \\\n  --issuer https://example.okta.com/oauth2/default --audience api://default',
  ],
  async run(args, { stdout, env }) {
    const issuer = await withFlagNames(flags, async () => readIssuer(args))
    const timeout = args.milliseconds('timeout', MAX_TIMEOUT_MS) ?? TIMEOUT_MS
    const checks = [
      describeOptions(issuer, args),
      ...(await checkEnvironment(env)),
      ...(await checkIssuer({ issuer, timeout, now: Date.now })),
    ]
    await writeResult(
      stdout,
      args.has('json')
        ? `${jsonDocument({ healthy: !hasFailed(checks), checks })}\n`
        : `\n${renderHealthChecks(checks, colorsFor(stdout, env), widthOf(stdout))}\n  ${summaryOf(checks)}\n\n`,
    )
    return hasFailed(checks) ? ExitCode.rejected : ExitCode.success
  },
}

function readIssuer(args: Arguments): ResolvedIssuer {
  const issuer = args.required('issuer')
  return resolveConnection({
    issuer,
    audience: args.has('audience') ? args.values('audience') : undefined,
    profile: args.value('profile'),
    algorithms: args.has('algorithms') ? args.values('algorithms') : undefined,
    jwksUri: args.value('jwks-uri'),
    dangerouslyAllowHttp: args.has('dangerously-allow-http') || undefined,
  })
}

/** The options that decide where metadata and keys are; all but the issuer may be `undefined`. */
export interface Connection {
  readonly issuer: string
  readonly audience?: readonly string[] | undefined
  readonly profile?: string | undefined
  readonly algorithms?: readonly string[] | undefined
  readonly jwksUri?: string | undefined
  readonly dangerouslyAllowHttp?: boolean | undefined
}

/** @throws {TypeError} if an option is invalid. */
export function resolveConnection(connection: Connection): ResolvedIssuer {
  const { issuer, audience, profile, algorithms, jwksUri, dangerouslyAllowHttp } = connection
  // resolveIssuer validates the names.
  return resolveIssuer({
    issuer,
    audience: audience ?? placeholderAudience(issuer),
    ...(profile !== undefined && { profile: profile as ProfileName }),
    ...(algorithms !== undefined && { algorithms: algorithms as readonly Algorithm[] }),
    ...(jwksUri !== undefined && { jwksUri }),
    ...(dangerouslyAllowHttp !== undefined && { dangerouslyAllowHttp }),
  } satisfies IssuerOptions)
}

/**
 * Returns audiences that every provider accepts as such, for an issuer that is checked without an
 * audience: a GUID for Entra ID, and the project ID for Firebase.
 */
function placeholderAudience(issuer: string): readonly string[] {
  const [, project] = httpUrl(issuer)?.pathname.split('/') ?? []
  return ['00000000-0000-4000-8000-000000000000', project || 'audience']
}

function summaryOf(checks: readonly HealthCheck[]): string {
  const failed = checks.filter(({ outcome }) => outcome === 'failed').length
  const warnings = checks.filter(({ outcome }) => outcome === 'warning').length
  const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
  return failed === 0
    ? `no check failed, ${counted(warnings, 'warning')}`
    : `${counted(failed, 'check')} failed, ${counted(warnings, 'warning')}`
}

function describeOptions({ issuer, profile }: ResolvedIssuer, args: Arguments): HealthCheck {
  const name = 'options'
  const found = `issuer ${issuer}, profile ${profile.name}`
  return args.has('audience')
    ? { name, outcome: 'passed', found: `${found}, audience ${args.values('audience').join(', ')}` }
    : {
        name,
        outcome: 'warning',
        found: `${found}, no audience`,
        advice:
          'Add --audience to check it against the rules of the provider. Only a token shows whether it is right: pipe one to explain.',
      }
}
