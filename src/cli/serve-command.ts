/**
 * Implements the command `serve`, which runs the embedded authorization server of the testing kit
 * until SIGINT or SIGTERM.
 */
import type { AuthorizationServer } from '../testing/authorization-server/authorization-server.js'
import { createAuthorizationServer } from '../testing/authorization-server/create-authorization-server.js'
import type { AuthorizationServerOptions } from '../testing/authorization-server/options.js'
import { testClient, testUser } from '../testing/authorization-server/tokens/test-accounts.js'
import { TOKEN_PROFILES } from '../testing/authorization-server/tokens/token-profiles.js'
import type { Arguments } from './arguments.js'
import { colorsFor } from './colors.js'
import type { Command, Flags } from './command.js'
import type { SignalSource } from './context.js'
import { CommandError, ExitCode, UsageError } from './exit-code.js'
import { withFlagNames } from './flag-errors.js'
import { PROGRAM } from './help.js'
import { readKeyFile } from './key-file.js'
import { writeResult } from './output.js'
import { jsonDocument } from './printable.js'

const flags: Flags = {
  port: { value: 'PORT', help: 'The port of the server. Default 0: any free port' },
  profile: {
    value: 'NAME',
    help: `The provider to imitate: ${Object.keys(TOKEN_PROFILES).join(', ')}`,
  },
  algorithm: { value: 'ALG', help: 'The signature algorithm of tokens. Default RS256' },
  audience: { value: 'AUDIENCE', help: 'The "aud" of access tokens. Default: that of the profile' },
  'access-token-lifetime': {
    value: 'SECONDS',
    help: 'The lifetime of access tokens. Default 3600',
  },
  'access-token-format': {
    value: 'FORMAT',
    help: 'The format of access tokens: jwt (default) or opaque',
  },
  'encryption-key': {
    value: 'FILE',
    help: 'Encrypt access tokens with the public key in FILE (JWK or PEM)',
  },
  'encryption-alg': {
    value: 'ALG',
    help: 'How the key is used. Default: "alg" of the JWK, else RSA-OAEP-256 or ECDH-ES',
  },
  'encryption-enc': { value: 'ENC', help: 'How the content is encrypted. Default A256GCM' },
  'backchannel-logout-uri': {
    value: 'URL',
    help: 'Send a logout token to this URL of your API when a session ends',
  },
  json: { help: 'Print the connection details as JSON' },
  'dangerously-allow-production': { help: 'Run under NODE_ENV=production too' },
}

export const serve: Command = {
  name: 'serve',
  summary: 'Runs an authorization server on this machine, for development and demonstrations.',
  usage: '[--port PORT] [--profile NAME] [FLAGS]',
  flags,
  maxOperands: 0,
  notes: `The server listens on 127.0.0.1 only, keeps everything in memory, and has one client and one user, whose
secrets are publicly known. It therefore does not run under NODE_ENV=production, and responds with 421
to requests whose Host header is not a loopback name. Its keys are new at each start. SIGINT (Ctrl+C)
or SIGTERM stops it.`,
  examples: [`npx ${PROGRAM} serve --port 9000 --profile okta`],
  async run(args, { stdout, env, signals }) {
    const server = await start(args)
    const ended = waitForSignal(signals)
    try {
      await writeResult(
        stdout,
        args.has('json')
          ? `${jsonDocument(connectionDetails(server))}\n`
          : startupText(server, colorsFor(stdout, env).bold),
      )
      await ended
    } finally {
      await server.close()
    }
    return ExitCode.success
  },
}

async function start(args: Arguments): Promise<AuthorizationServer> {
  const encryption = await readEncryption(args)
  try {
    return await withFlagNames(flags, async () =>
      createAuthorizationServer({
        port: args.wholeNumber('port'),
        audience: args.value('audience'),
        clients: [{ ...testClient, backchannelLogoutUri: args.value('backchannel-logout-uri') }],
        accessTokenLifetime: args.wholeNumber('access-token-lifetime'),
        dangerouslyAllowProduction: args.has('dangerously-allow-production'),
        // createAuthorizationServer validates these values.
        ...({
          profile: args.value('profile'),
          algorithm: args.value('algorithm'),
          accessTokenFormat: args.value('access-token-format'),
          encryption,
        } as AuthorizationServerOptions),
      }),
    )
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (syscall !== 'listen') throw error
    throw new CommandError(ExitCode.unavailable, listenError(args.wholeNumber('port') ?? 0, code))
  }
}

function listenError(port: number, code: string | undefined): string {
  const alternative = 'choose another with --port, or omit --port to use any free port'
  return code === 'EADDRINUSE'
    ? `port ${port} is already in use (${code}): stop the program that uses it (lsof -i :${port} shows it), ${alternative}`
    : `port ${port} is unavailable (${code}): ${alternative}`
}

async function readEncryption(args: Arguments) {
  const file = args.value('encryption-key')
  const [alg, enc] = [args.value('encryption-alg'), args.value('encryption-enc')]
  if (file !== undefined) return { key: await readKeyFile('encryption-key', file), alg, enc }
  if (alg === undefined && enc === undefined) return undefined
  throw new UsageError('--encryption-alg and --encryption-enc need --encryption-key')
}

function waitForSignal(signals: SignalSource): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      signals.removeListener('SIGINT', end)
      signals.removeListener('SIGTERM', end)
      resolve()
    }
    signals.once('SIGINT', end)
    signals.once('SIGTERM', end)
  })
}

function connectionDetails({
  issuer,
  audience,
  tokenEndpoint,
  introspectionEndpoint,
  endSessionEndpoint,
  jwksUri,
}: AuthorizationServer) {
  const { clientId, clientSecret } = testClient
  const { username, password } = testUser
  return {
    issuer,
    audience,
    tokenEndpoint,
    introspectionEndpoint,
    endSessionEndpoint,
    jwksUri,
    clientId,
    clientSecret,
    username,
    password,
  }
}

function startupText(server: AuthorizationServer, bold: (text: string) => string): string {
  const { issuer, audience, tokenEndpoint, endSessionEndpoint } = server
  const { clientId, clientSecret } = testClient
  const { username, password } = testUser
  return `
${bold('authorization server')}  ${issuer}

  audience  ${audience}
  client    ${clientId}, secret ${clientSecret}
  user      ${username}, password ${password}

${bold('get a token with curl')}

  curl -s -u ${clientId}:${clientSecret} -d grant_type=password -d username=${username} \\
    -d password=${password} -d scope='openid orders:read' ${tokenEndpoint}

${bold('print only the token')}

  FRS_CLIENT_SECRET=${clientSecret} FRS_PASSWORD=${password} npx ${PROGRAM} token \\
    --issuer ${issuer} --client-id ${clientId} \\
    --username ${username} --scope 'openid orders:read'

${bold('sign the user out (the response to the first command has the id_token)')}

  curl -s -d id_token_hint=ID_TOKEN ${endSessionEndpoint}

Press Ctrl+C to stop.
`
}
