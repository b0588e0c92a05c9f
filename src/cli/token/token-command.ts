/** The command `token`: prints a token, and nothing else, to standard output, for `curl`. */
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
import { clientCredentials } from './client-credentials.js'
import { alternativesTo, CLIENT_SECRET, PASSWORD, readSecret } from './secrets.js'

const flags: Flags = {
  issuer: { value: 'URL', help: 'The authorization server; its token endpoint is discovered' },
  'token-endpoint': { value: 'URL', help: 'The token endpoint itself, instead of --issuer' },
  'client-id': { value: 'ID', help: 'The client (needed)' },
  username: {
    value: 'NAME',
    help: 'The user, for the password grant. Without it: client credentials',
  },
  scope: { value: 'SCOPE', help: 'What to ask for, delimited by spaces' },
  audience: { value: 'NAME', help: 'The parameter "audience", which Auth0 wants' },
  resource: { value: 'URL', help: 'The parameter "resource" (RFC 8707)' },
  parameter: {
    value: 'NAME=VALUE',
    repeatable: true,
    help: 'Any other parameter; may be repeated',
  },
  'client-authentication': {
    value: 'METHOD',
    help: 'client_secret_basic (default with a secret), client_secret_basic_raw,\nclient_secret_post, private_key_jwt, none (a public client)',
  },
  'private-key': { value: 'FILE', help: 'A private JWK with "alg", for private_key_jwt' },
  [CLIENT_SECRET.stdinFlag]: { help: 'Read the client secret from standard input' },
  [PASSWORD.stdinFlag]: { help: 'Read the password from standard input' },
  timeout: { value: 'SECONDS', help: 'For the whole exchange, at least 1. Default 10' },
  json: { help: 'Print the whole response' },
  'dangerously-allow-production': {
    help: 'Run the password grant under NODE_ENV=production, too',
  },
}

export const token: Command = {
  name: 'token',
  summary: 'Gets an access token and prints it: password grant, or client credentials grant.',
  usage: '--issuer URL --client-id ID [--username NAME] [FLAGS]',
  flags,
  rejectedFlags: {
    'client-secret': alternativesTo(CLIENT_SECRET),
    password: alternativesTo(PASSWORD),
  },
  maxOperands: 0,
  notes: `Secrets are read from standard input where a flag says so, else from FRS_CLIENT_SECRET and
FRS_PASSWORD, else asked for at the terminal without showing them. They are never arguments, which
other users of the machine can see.

The password grant is for tests and legacy systems (RFC 9700 §2.4: it MUST NOT be used). It is tried
once, because accounts lock.`,
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

/** Up to the maximum of a Node timer. */
const SECONDS = { unit: 'seconds', least: 1, most: 2_147_483 } as const

async function getToken(args: Arguments, context: ProcessContext): Promise<TokenResponse> {
  const username = args.value('username')
  if (username === undefined && args.has(PASSWORD.stdinFlag)) {
    throw new UsageError(`--${PASSWORD.stdinFlag} needs --username`)
  }
  if (args.has(PASSWORD.stdinFlag) && args.has(CLIENT_SECRET.stdinFlag)) {
    throw new UsageError(
      `--${PASSWORD.stdinFlag} and --${CLIENT_SECRET.stdinFlag} exclude each other: standard input is one secret`,
    )
  }
  const location = { issuer: args.value('issuer'), tokenEndpoint: args.value('token-endpoint') }
  const common = {
    ...location,
    clientId: args.required('client-id'),
    clientAuthentication: args.value('client-authentication') as ClientAuthentication | undefined,
    privateKey: await readPrivateKey(args),
    timeout: (args.wholeNumber('timeout', SECONDS) ?? 10) * 1000,
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

/** Whether there is no usable response, rather than a rejection. */
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
    `there is no client secret: set ${CLIENT_SECRET.variable}, pipe it in with --${CLIENT_SECRET.stdinFlag}, or say --client-authentication none for a public client`,
  )
}

async function readPassword(args: Arguments, context: ProcessContext): Promise<string> {
  const password = await readSecret(PASSWORD, args, context)
  if (password !== undefined) return password
  throw new UsageError(
    `there is no password: set ${PASSWORD.variable}, or pipe it in with --${PASSWORD.stdinFlag}`,
  )
}

async function readPrivateKey(args: Arguments): Promise<JWK | undefined> {
  const file = args.value('private-key')
  if (file === undefined) return undefined
  const key = await readFile(file, 'utf8')
    .then(JSON.parse)
    .catch(() => undefined)
  if (isJsonObject(key)) return key
  throw new UsageError('--private-key must name a file that holds one JWK')
}

function readParameters(args: Arguments): Record<string, string> {
  const named = ['audience', 'resource'].flatMap((name) =>
    args.values(name).map((value) => [name, value] as const),
  )
  const others = args.values('parameter').map((parameter) => {
    const [name, ...value] = parameter.split('=')
    if (!name || value.length === 0) throw new UsageError('--parameter must be NAME=VALUE')
    if (RESERVED_PARAMETERS.includes(name)) {
      throw new UsageError(`--parameter must not be ${name}, which is sent from its own place`)
    }
    return [name, value.join('=')] as const
  })
  return Object.fromEntries([...named, ...others])
}

function documentOf(response: TokenResponse): string {
  try {
    return jsonDocument(response)
  } catch {
    throw new CommandError(ExitCode.unavailable, 'the answer is nested too deeply to be printed')
  }
}

/** Rejects characters that could end an HTTP header or a shell word. */
function sendable({ access_token: token }: TokenResponse): string {
  if (isToken68(token)) return token
  throw new CommandError(
    ExitCode.unavailable,
    'the access token has characters that no header can carry: see it with --json',
  )
}
