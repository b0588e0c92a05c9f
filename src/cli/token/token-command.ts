/**
 * Implements the command `token`, which gets an access token and prints the token, or with `--json`
 * the whole token response, to standard output.
 */
import { readFile } from 'node:fs/promises'
import type { JWK } from 'jose'
import { isJsonObject } from '../../base/json-object.js'
import { isToken68 } from '../../base/request-headers.js'
import type { ClientAuthentication } from '../../http/client-authentication.js'
import { RESERVED_PARAMETERS } from '../../testing/token-client/options.js'
import { passwordGrant } from '../../testing/token-client/password-grant.js'
import { PasswordGrantError } from '../../testing/token-client/password-grant-error.js'
import type { TokenResponse } from '../../testing/token-client/token-response.js'
import type { Arguments } from '../arguments.js'
import type { Command, Flags } from '../command.js'
import type { ProcessContext } from '../context.js'
import { CommandError, ExitCode, UsageError } from '../exit-code.js'
import { withFlagNames } from '../flag-errors.js'
import { writeResult } from '../output.js'
import { jsonDocument } from '../printable.js'
import { CLIENT_SECRET, PASSWORD, readSecret, rejectedAsFlag } from '../secrets.js'
import { clientCredentials } from './client-credentials.js'

const flags: Flags = {
  issuer: { value: 'URL', help: 'The authorization server; its token endpoint is discovered' },
  'token-endpoint': { value: 'URL', help: 'The token endpoint itself, instead of --issuer' },
  'client-id': { value: 'ID', help: 'The client identifier (required)' },
  username: {
    value: 'NAME',
    help: 'The user, for the password grant. Without it: client credentials grant',
  },
  scope: { value: 'SCOPE', help: 'The scope to request, delimited by spaces' },
  audience: { value: 'AUDIENCE', help: 'The parameter "audience", which Auth0 requires' },
  resource: { value: 'URL', help: 'The parameter "resource" (RFC 8707)' },
  parameter: {
    value: 'NAME=VALUE',
    repeatable: true,
    help: 'Any other parameter; repeatable',
  },
  'client-authentication': {
    value: 'METHOD',
    help: 'client_secret_basic (default with a secret), client_secret_basic_raw,\nclient_secret_post, private_key_jwt, private_key_jwt_untyped, none (a public client)',
  },
  'private-key': { value: 'FILE', help: 'A private JWK with "alg", for private_key_jwt' },
  [CLIENT_SECRET.stdinFlag]: { help: 'Read the client secret from standard input' },
  [PASSWORD.stdinFlag]: { help: 'Read the password from standard input' },
  timeout: {
    value: 'DURATION',
    help: 'Timeout of the whole exchange: 10s, 500ms, or a number of seconds. Default 10s',
  },
  json: { help: 'Print the whole response' },
  'dangerously-allow-production': {
    help: 'Allow the password grant under NODE_ENV=production',
  },
}

export const token: Command = {
  name: 'token',
  summary: 'Gets an access token and prints it: password grant, or client credentials grant.',
  usage: '--issuer URL --client-id ID [--username NAME] [FLAGS]',
  flags,
  rejectedFlags: {
    'client-secret': rejectedAsFlag('client-secret', CLIENT_SECRET),
    password: rejectedAsFlag('password', PASSWORD),
  },
  maxOperands: 0,
  notes: `Secrets are read from standard input with --client-secret-stdin or --password-stdin, else from the
environment variables FRS_CLIENT_SECRET and FRS_PASSWORD (FRS: fastify-resource-server), else prompted
for at the terminal without echo. They are never arguments, which other users of the machine can see.

The password grant is for tests and legacy systems (RFC 9700 §2.4: it MUST NOT be used). It is
attempted once, because repeated failures lock accounts.`,
  examples: [
    'curl -H "authorization: Bearer $(npx fastify-resource-server token \\\n  --issuer https://example.okta.com/oauth2/default --client-id ID \\\n  --username ada@example.com --scope openid)" http://localhost:3000/me',
    'FRS_CLIENT_SECRET=… npx fastify-resource-server token --issuer … --client-id ID --scope orders:read',
  ],
  async run(args, context) {
    const response = await getToken(args, context)
    const text = args.has('json') ? documentOf(response) : sendable(response)
    await writeResult(context.stdout, `${text}\n`)
    return ExitCode.success
  },
}

/** The maximum delay of a Node timer, in milliseconds. */
const MAX_TIMEOUT_MS = 2_147_483_647

async function getToken(args: Arguments, context: ProcessContext): Promise<TokenResponse> {
  const username = args.value('username')
  if (username === undefined && args.has(PASSWORD.stdinFlag)) {
    throw new UsageError(`--${PASSWORD.stdinFlag} requires --username`)
  }
  if (args.has(PASSWORD.stdinFlag) && args.has(CLIENT_SECRET.stdinFlag)) {
    throw new UsageError(
      `--${PASSWORD.stdinFlag} and --${CLIENT_SECRET.stdinFlag} are mutually exclusive: standard input holds one secret`,
    )
  }
  const location = { issuer: args.value('issuer'), tokenEndpoint: args.value('token-endpoint') }
  const common = {
    ...location,
    clientId: args.required('client-id'),
    clientAuthentication: args.value('client-authentication') as ClientAuthentication | undefined,
    privateKey: await readPrivateKey(args),
    timeout: args.milliseconds('timeout', MAX_TIMEOUT_MS) ?? 10_000,
  }
  const parameters = readParameters(args)
  const clientSecret = await readClientSecret(args, context)
  const scope = args.value('scope')
  try {
    return await withFlagNames(flags, async () => {
      if (username === undefined) {
        return clientCredentials({
          ...common,
          clientSecret,
          parameters: { ...parameters, ...(scope !== undefined && { scope }) },
        })
      }
      return passwordGrant({
        ...common,
        clientSecret,
        parameters,
        scope,
        username,
        password: await readPassword(args, context),
        dangerouslyAllowProduction: args.has('dangerously-allow-production'),
      })
    })
  } catch (error) {
    if (!(error instanceof PasswordGrantError)) throw error
    throw new CommandError(
      isUnavailable(error) ? ExitCode.unavailable : ExitCode.rejected,
      error.message,
    )
  }
}

/**
 * Whether the issuer did not decide on the request, because the issuer sent no usable response, is
 * overloaded or failed.
 */
function isUnavailable({ error, status = 0 }: PasswordGrantError): boolean {
  const unavailable = ['timeout', 'unreachable', 'invalid_response', 'temporarily_unavailable']
  return unavailable.includes(error) || status === 429 || status >= 500
}

async function readClientSecret(
  args: Arguments,
  context: ProcessContext,
): Promise<string | undefined> {
  const method = args.value('client-authentication')
  if (args.has('private-key') || method === 'none') return undefined
  const secret = await readSecret(CLIENT_SECRET, args, context)
  if (secret !== undefined || context.stdin.isTTY === true) return secret
  throw new UsageError(
    `no client secret: set ${CLIENT_SECRET.variable}, pipe it in with --${CLIENT_SECRET.stdinFlag}, or use --client-authentication none for a public client`,
  )
}

async function readPassword(args: Arguments, context: ProcessContext): Promise<string> {
  const password = await readSecret(PASSWORD, args, context)
  if (password !== undefined) return password
  throw new UsageError(
    `no password: set ${PASSWORD.variable}, or pipe it in with --${PASSWORD.stdinFlag}`,
  )
}

async function readPrivateKey(args: Arguments): Promise<JWK | undefined> {
  const file = args.value('private-key')
  if (file === undefined) return undefined
  const key = await readFile(file, 'utf8')
    .then(JSON.parse)
    .catch(() => undefined)
  if (isJsonObject(key)) return key
  throw new UsageError('--private-key must name a readable file that contains one JWK')
}

function readParameters(args: Arguments): Record<string, string> {
  const named = ['audience', 'resource'].flatMap((name) =>
    args.values(name).map((value) => [name, value] as const),
  )
  const others = args.values('parameter').map((parameter) => {
    const [name, ...value] = parameter.split('=')
    if (!name || value.length === 0) throw new UsageError('--parameter must be NAME=VALUE')
    if (RESERVED_PARAMETERS.includes(name)) {
      throw new UsageError(`--parameter must not set ${name}: the command sets it itself`)
    }
    return [name, value.join('=')] as const
  })
  return Object.fromEntries([...named, ...others])
}

function documentOf(response: TokenResponse): string {
  try {
    return jsonDocument(response)
  } catch {
    throw new CommandError(ExitCode.unavailable, 'the response is nested too deeply to be printed')
  }
}

/**
 * Returns the access token.
 *
 * @throws {CommandError} if the token has characters that are invalid in an `Authorization` header,
 *   because some of them could end the header or a word of a shell command.
 */
function sendable({ access_token: token }: TokenResponse): string {
  if (isToken68(token)) return token
  throw new CommandError(
    ExitCode.unavailable,
    'the access token has characters that are invalid in an Authorization header (RFC 6750 §2.1). Print it with --json',
  )
}
