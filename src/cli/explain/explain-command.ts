/** The command `explain`: says why a token is accepted or rejected. */
import { PROFILE_NAMES } from '../../issuer/providers/providers.js'
import type { ResourceServerOptions } from '../../server/options.js'
import type { Arguments } from '../arguments.js'
import { colorsFor } from '../colors.js'
import type { Command, Flags } from '../command.js'
import type { ProcessContext } from '../context.js'
import { ExitCode, UsageError } from '../exit-code.js'
import { withFlagNames } from '../flag-errors.js'
import { writeResult } from '../output.js'
import { jsonDocument } from '../printable.js'
import { promptSecret } from '../prompt.js'
import { readStandardInput } from '../standard-input.js'
import { createExplainer, type RequestResult } from './explanation.js'
import { readGivenToken } from './given-token.js'
import { renderJson, renderText } from './render.js'

const flags: Flags = {
  issuer: {
    value: 'ISSUER',
    help: 'The issuer that the API trusts (needed); a URL, unless --jwks-uri is given',
  },
  audience: {
    value: 'NAME',
    repeatable: true,
    help: 'The name of the API (needed); may be repeated',
  },
  scope: { value: 'SCOPE', help: 'What the route asks for, delimited by spaces' },
  profile: {
    value: 'NAME',
    help: `How the issuer writes its tokens: ${PROFILE_NAMES.join(', ')}\nDefault: by the issuer's domain, else standard`,
  },
  algorithms: {
    value: 'ALG',
    repeatable: true,
    help: 'What the API accepts; may be repeated. Default: all asymmetric ones',
  },
  'jwks-uri': {
    value: 'URL',
    help: 'Where the key set is. Default: from the metadata of the issuer',
  },
  'max-token-length': {
    value: 'CHARACTERS',
    help: 'The longest token that the API reads. Default 8192; 256 to 65536',
  },
  'clock-tolerance': { value: 'SECONDS', help: 'Default 30' },
  'max-token-age': { value: 'SECONDS', help: 'Default: none' },
  'dangerously-audience-from': { value: 'CLAIM', help: 'azp or client_id, as the API has it' },
  'dangerously-allow-id-token-claims': {
    help: 'Accept at_hash, c_hash and s_hash, as the API does',
  },
  'dangerously-allow-http': { help: 'Fetch metadata and keys over http beyond loopback' },
  json: { help: 'Print it as JSON' },
}

export const explain: Command = {
  name: 'explain',
  summary: 'Says why a token is accepted or refused, step by step.',
  usage: '--issuer ISSUER --audience NAME [FLAGS] [TOKEN]',
  flags,
  maxOperands: 1,
  notes: `The token is read from standard input, or asked for at the terminal. As an argument, other users of
the machine can see it while the command runs. A "Bearer" before it may stay, and so may the rest of
the header line. Whatever else stands around it (quotation marks, the JSON of a token response) is
removed, and reported: an API rejects it.

The steps are those of the plugin, and so is the result. Unlike the plugin, explain goes on after a
step that fails. It asks the issuer for its keys, and sends the token nowhere. Claims are printed,
the signature isn't. Whether the issuer revoked the token isn't looked at, and no proof of a bound
token.`,
  examples: [
    'pbpaste | npx fastify-resource-server explain \\\n  --issuer https://example.okta.com/oauth2/default --audience api://default --scope orders:read',
  ],
  async run(args, context) {
    const { stdout, env } = context
    const scope = args.value('scope')
    const options = readOptions(args)
    const explainer = await withFlagNames(flags, () =>
      createExplainer(options, scope === undefined ? {} : { scope }),
    )
    const explanation = await explainer
      .explain(await readToken(args, context))
      .finally(() => explainer.close())
    await writeResult(
      stdout,
      args.has('json')
        ? `${jsonDocument(renderJson(explanation))}\n`
        : renderText(explanation, colorsFor(stdout, env)),
    )
    return exitCodeOf(explanation.result)
  },
}

function exitCodeOf(result: RequestResult): ExitCode {
  if (result.accepted) return ExitCode.success
  return result.status >= 500 ? ExitCode.unavailable : ExitCode.rejected
}

/** Returns only the options that were given: the resource server sets defaults and validates. */
function readOptions(args: Arguments): ResourceServerOptions {
  const given = {
    profile: args.value('profile'),
    algorithms: args.has('algorithms') ? args.values('algorithms') : undefined,
    jwksUri: args.value('jwks-uri'),
    maxTokenLength: args.wholeNumber('max-token-length'),
    clockTolerance: args.wholeNumber('clock-tolerance'),
    maxTokenAge: args.wholeNumber('max-token-age'),
    dangerouslyAudienceFrom: args.value('dangerously-audience-from'),
    dangerouslyAllowIdTokenClaims: args.has('dangerously-allow-id-token-claims') || undefined,
    dangerouslyAllowHttp: args.has('dangerously-allow-http') || undefined,
  }
  const options = Object.entries(given).filter(([, value]) => value !== undefined)
  args.required('audience')
  return {
    issuer: args.required('issuer'),
    audience: args.values('audience'),
    tokenCache: false,
    ...Object.fromEntries(options),
  }
}

/** Returns the token unchanged: how an API would parse it is part of the explanation. */
async function readToken(args: Arguments, context: ProcessContext): Promise<string> {
  const [operand] = args.operands
  const given = operand ?? (await readInput(context))
  if (readGivenToken(given).token === '') {
    throw new UsageError('there is no token: give it on standard input')
  }
  return given
}

function readInput(context: ProcessContext): Promise<string> {
  return context.stdin.isTTY === true
    ? promptSecret('Token: ', context)
    : readStandardInput(context)
}
