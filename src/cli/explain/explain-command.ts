/** Implements the command `explain`, which shows why a token is accepted or rejected. */

import type { KeyManagementAlgorithm } from '../../decryption/decryption-key.js'
import type { DecryptionOptions } from '../../decryption/options.js'
import type { NoAudience } from '../../issuer/audience-option.js'
import type { JwksOptions } from '../../keys/options.js'
import type { ResourceServerOptions } from '../../server/options.js'
import type { Arguments } from '../arguments.js'
import { colorsFor } from '../colors.js'
import type { Command, Flags } from '../command.js'
import type { ProcessContext } from '../context.js'
import { ExitCode, UsageError } from '../exit-code.js'
import { withFlagNames } from '../flag-errors.js'
import { ISSUER_FLAGS } from '../issuer-flags.js'
import { readKeyFile, readKeysFile, readSecretFile } from '../key-file.js'
import { writeResult } from '../output.js'
import { jsonDocument } from '../printable.js'
import { promptSecret } from '../prompt.js'
import { readStandardInput } from '../standard-input.js'
import { widthOf } from '../wrap.js'
import { decodeToken } from './decoded-token.js'
import { createExplainer } from './explanation.js'
import { readGivenToken } from './given-token.js'
import { renderDecodedJson, renderDecodedText, renderJson, renderText } from './render.js'
import type { RequestResult } from './request-result.js'
import { readRouteRequirement } from './route-requirement.js'

const ISSUER_SERVES_API_ONLY = 'issuer-serves-this-api-only'

const flags: Flags = {
  issuer: {
    value: 'ISSUER',
    help: 'The issuer that the API trusts; a URL, unless --jwks-uri is given or the\nprofile knows the key set',
  },
  audience: {
    value: 'AUDIENCE',
    repeatable: true,
    help: 'An audience of the API; repeatable',
  },
  scope: { value: 'SCOPE', help: 'The scope that the route requires, delimited by spaces' },
  role: { value: 'NAME', repeatable: true, help: 'A role that the route requires; repeatable' },
  group: { value: 'NAME', repeatable: true, help: 'A group that the route requires; repeatable' },
  permission: {
    value: 'NAME',
    repeatable: true,
    help: 'A permission that the route requires; repeatable',
  },
  claim: {
    value: 'NAME=VALUE',
    repeatable: true,
    help: 'A claim that the route requires, by name or dotted path; the value is text or JSON.\nRepeatable: of several values for one claim, one must match',
  },
  profile: ISSUER_FLAGS.profile,
  'required-claims': {
    value: 'NAME',
    repeatable: true,
    help: 'A claim that the option "requiredClaims" of the API lists; repeatable',
  },
  algorithms: ISSUER_FLAGS.algorithms,
  'jwks-uri': ISSUER_FLAGS['jwks-uri'],
  key: {
    value: 'FILE',
    repeatable: true,
    help: 'A public key of the issuer, instead of its key set: a file with a JWK, a JWK Set, a PEM\npublic key or a certificate; repeatable',
  },
  secret: {
    value: 'FILE',
    help: 'A file with the secret that the API and the issuer share, for HS256, HS384 and HS512.\nNeeds --algorithms',
  },
  'dangerously-allow-secret-with-keys': {
    help: 'Accept the secret and the keys of the issuer. Set it if the API does',
  },
  'max-token-length': {
    value: 'CHARACTERS',
    help: 'Maximum length that the API accepts. Default 8192; 256 to 65536',
  },
  'decryption-key': {
    value: 'FILE',
    repeatable: true,
    help: 'A private key of the API for encrypted tokens, a file with a JWK or PEM; repeatable',
  },
  'key-management-algorithms': {
    value: 'ALG',
    repeatable: true,
    help: 'An "alg" of encrypted tokens that the API accepts; repeatable. Default: as in the API',
  },
  'decryption-required': { help: 'Reject a token that is not encrypted. Set it if the API does' },
  'clock-tolerance': { value: 'SECONDS', help: 'Tolerated clock difference. Default 30' },
  'max-token-age': { value: 'SECONDS', help: 'Maximum time since "iat". Default: no maximum' },
  'dangerously-audience-from': {
    value: 'CLAIM',
    help: 'Compare this claim with the audience, instead of aud. Set it as the API does',
  },
  'dangerously-no-audience': {
    value: 'RULE',
    repeatable: true,
    help: `Compare no audience, if the API does: ${ISSUER_SERVES_API_ONLY}, or a\nrequired CLAIM=VALUE; repeatable`,
  },
  'dangerously-allow-id-token-claims': {
    help: 'Accept at_hash, c_hash and s_hash. Set it if the API does',
  },
  'dangerously-allow-http': ISSUER_FLAGS['dangerously-allow-http'],
  json: { help: 'Print the explanation as JSON' },
}

export const explain: Command = {
  name: 'explain',
  summary: 'Shows why a token is accepted or rejected, step by step.',
  usage: '[--issuer ISSUER --audience AUDIENCE] [FLAGS] [TOKEN]',
  flags,
  maxOperands: 1,
  notes: `Without --issuer and --audience, explain only decodes the token: it verifies nothing, sends no request,
and asks whether the API is configured with the issuer and audience of the token (exit code 5).

The token is read from standard input, or prompted for at the terminal. As an argument, it is visible
to other users of the machine while the command runs. "Bearer" and the token, or a whole header line,
also within a curl command, are read too. Anything else around the token (quotation marks, the JSON of
a token response) is removed and reported, because an API rejects it.

The steps and the result are those of the plugin. Unlike the plugin, explain continues after a failed
step. It fetches the keys of the issuer and sends the token nowhere. It prints the claims, but neither
the signature nor the JWT in an encrypted token. It checks neither revocation nor proofs of possession.`,
  examples: [
    'pbpaste | npx fastify-resource-server explain',
    'pbpaste | npx fastify-resource-server explain \\\n  --issuer https://example.okta.com/oauth2/default --audience api://default --scope orders:read',
  ],
  async run(args, context) {
    if (isDecodingOnly(args)) return decode(args, context)
    const { stdout, env } = context
    const requirement = readRouteRequirement(args)
    const options = await readOptions(args)
    const explainer = await withFlagNames(flags, () => createExplainer(options, requirement))
    const explanation = await explainer
      .explain(await readToken(args, context))
      .finally(() => explainer.close())
    await writeResult(
      stdout,
      args.has('json')
        ? `${jsonDocument(renderJson(explanation))}\n`
        : renderText(explanation, { ...colorsFor(stdout, env), width: widthOf(stdout) }),
    )
    return exitCodeOf(explanation.result)
  },
}

/**
 * Whether neither the issuer nor the audience is given, so that the token is only decoded.
 *
 * @throws {UsageError} if another flag is given, which only has an effect if the token is checked.
 */
function isDecodingOnly(args: Arguments): boolean {
  if (IDENTIFYING.some((flag) => args.has(flag))) return false
  const useless = Object.keys(flags).find((flag) => flag !== 'json' && args.has(flag))
  if (useless === undefined) return true
  throw new UsageError(
    `--${useless} needs --issuer and --audience: without these, explain only decodes the token`,
  )
}

const DECODE_INSTEAD = '; without --issuer and --audience, explain only decodes the token'
const IDENTIFYING = ['issuer', 'audience', 'dangerously-no-audience'] as const

async function decode(args: Arguments, context: ProcessContext): Promise<ExitCode> {
  const { stdout, env } = context
  const decoded = decodeToken(await readToken(args, context), Date.now())
  await writeResult(
    stdout,
    args.has('json')
      ? `${jsonDocument(renderDecodedJson(decoded))}\n`
      : renderDecodedText(decoded, { ...colorsFor(stdout, env), width: widthOf(stdout) }),
  )
  return decoded.rejection === undefined ? ExitCode.undecided : ExitCode.rejected
}

function exitCodeOf(result: RequestResult): ExitCode {
  if (result.accepted) return ExitCode.success
  return result.status >= 500 ? ExitCode.unavailable : ExitCode.rejected
}

/**
 * Returns the options whose flags are set, and disables the token cache. The resource server
 * validates the options and sets the defaults.
 */
async function readOptions(args: Arguments): Promise<ResourceServerOptions> {
  const given = {
    profile: args.value('profile'),
    requiredClaims: args.has('required-claims') ? args.values('required-claims') : undefined,
    algorithms: args.has('algorithms') ? args.values('algorithms') : undefined,
    jwksUri: args.value('jwks-uri'),
    jwks: await readKeys(args.values('key')),
    secret: await readSecret(args.value('secret')),
    maxTokenLength: args.wholeNumber('max-token-length'),
    decryption: await readDecryption(args),
    clockTolerance: args.wholeNumber('clock-tolerance'),
    maxTokenAge: args.wholeNumber('max-token-age'),
    audience: args.has('audience') ? args.values('audience') : undefined,
    dangerouslyAudienceFrom: args.value('dangerously-audience-from'),
    dangerouslyNoAudience: readNoAudience(args.values('dangerously-no-audience')),
    dangerouslyAllowIdTokenClaims: args.has('dangerously-allow-id-token-claims') || undefined,
    dangerouslyAllowSecretWithKeys: args.has('dangerously-allow-secret-with-keys') || undefined,
    dangerouslyAllowHttp: args.has('dangerously-allow-http') || undefined,
  }
  const options = Object.entries(given).filter(([, value]) => value !== undefined)
  if (given.dangerouslyNoAudience === undefined) args.required('audience', DECODE_INSTEAD)
  return {
    issuer: args.required('issuer', DECODE_INSTEAD),
    tokenCache: false,
    ...Object.fromEntries(options),
  }
}

/**
 * Returns the option `dangerouslyNoAudience`; `undefined` if there are no rules.
 *
 * @throws {UsageError} if a rule is malformed, or contradicts another.
 */
function readNoAudience(rules: readonly string[]): NoAudience | undefined {
  if (rules.length === 0) return undefined
  if (rules.every((rule) => rule === ISSUER_SERVES_API_ONLY)) {
    return { issuerServesThisApiOnly: true }
  }
  const claims: Record<string, string[]> = Object.create(null)
  for (const rule of rules) {
    const [, name, value] = /^([^=]+)=(.+)$/.exec(rule) ?? []
    if (name === undefined || value === undefined) {
      throw new UsageError(
        `--dangerously-no-audience must be ${ISSUER_SERVES_API_ONLY}, or CLAIM=VALUE for each claim`,
      )
    }
    claims[name] = [...(claims[name] ?? []), value]
  }
  return { claims }
}

async function readKeys(files: readonly string[]): Promise<JwksOptions | undefined> {
  if (files.length === 0) return undefined
  return { keys: (await Promise.all(files.map((file) => readKeysFile('key', file)))).flat() }
}

async function readSecret(file: string | undefined): Promise<Uint8Array | undefined> {
  return file === undefined ? undefined : readSecretFile('secret', file)
}

async function readDecryption(args: Arguments): Promise<DecryptionOptions | undefined> {
  const [files, algorithms] = [args.values('decryption-key'), 'key-management-algorithms']
  const required = args.has('decryption-required')
  if (files.length === 0) {
    if (!required && !args.has(algorithms)) return undefined
    throw new UsageError(`--decryption-required and --${algorithms} need --decryption-key`)
  }
  return {
    keys: await Promise.all(files.map((file) => readKeyFile('decryption-key', file))),
    required,
    ...(args.has(algorithms) && {
      // The resource server validates these values.
      keyManagementAlgorithms: args.values(algorithms) as KeyManagementAlgorithm[],
    }),
  }
}

/**
 * Returns the input unchanged, because the explanation includes how an API would parse the input.
 *
 * @throws {UsageError} if the input contains no token.
 */
async function readToken(args: Arguments, context: ProcessContext): Promise<string> {
  const [operand] = args.operands
  const given = operand ?? (await readInput(context))
  if (readGivenToken(given).token === '') {
    throw new UsageError(
      given.trim() === ''
        ? 'no token: pass it on standard input'
        : 'the input has no token after the scheme or the name of the header. An API responds with 400: the client sends an empty token',
    )
  }
  return given
}

function readInput(context: ProcessContext): Promise<string> {
  return context.stdin.isTTY === true
    ? promptSecret('Token: ', context)
    : readStandardInput(context)
}
