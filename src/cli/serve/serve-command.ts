/**
 * Implements the command `serve`, which runs the embedded authorization server of the testing kit
 * until SIGINT or SIGTERM.
 */
import type { AuthorizationServer } from '../../testing/authorization-server/authorization-server.js'
import { createAuthorizationServer } from '../../testing/authorization-server/create-authorization-server.js'
import {
  type AuthorizationServerOptions,
  DEFAULT_SCOPE,
} from '../../testing/authorization-server/options.js'
import { isOpenIdScope } from '../../testing/authorization-server/tokens/openid-scope.js'
import {
  type TestClient,
  type TestUser,
  testClient,
  testUser,
} from '../../testing/authorization-server/tokens/test-accounts.js'
import { TOKEN_PROFILES } from '../../testing/authorization-server/tokens/token-profiles.js'
import type { Arguments } from '../arguments.js'
import { colorsFor } from '../colors.js'
import type { Command, Flags } from '../command.js'
import type { SignalSource } from '../context.js'
import { CommandError, ExitCode, UsageError } from '../exit-code.js'
import { withFlagNames } from '../flag-errors.js'
import { PROGRAM } from '../help.js'
import { readKeyFile } from '../key-file.js'
import { writeResult } from '../output.js'
import { jsonDocument } from '../printable.js'
import { type AppOptions, appOptions } from './app-options.js'
import { APP_CLIENT_ID, startupText } from './startup-text.js'
import { readUsers } from './test-users.js'

const flags: Flags = {
  host: {
    value: 'HOST',
    help: 'The host name or address on which the server listens. Default 127.0.0.1; others than\nloopback need --dangerously-allow-remote',
  },
  port: { value: 'PORT', help: 'The port of the server. Default 0: any free port' },
  profile: {
    value: 'NAME',
    help: `The provider to imitate: ${Object.keys(TOKEN_PROFILES).join(', ')}`,
  },
  user: {
    value: 'NAME',
    repeatable: true,
    help: `A user, with the password ${testUser.password}; repeatable. Default: ${testUser.username}`,
  },
  group: { value: 'NAME', repeatable: true, help: 'A group of the --user before it; repeatable' },
  role: { value: 'NAME', repeatable: true, help: 'A role of the --user before it; repeatable' },
  claim: {
    value: 'NAME=VALUE',
    repeatable: true,
    help: 'A claim in the tokens of the --user before it; the value is text or JSON; repeatable',
  },
  scope: {
    value: 'SCOPE',
    repeatable: true,
    help: 'The scope of your API that the server offers, delimited by spaces; repeatable.\nDefault: orders:read orders:write. It always offers openid, profile, email, offline_access',
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
  'redirect-uri': {
    value: 'URI',
    repeatable: true,
    help: `A redirect URI of the public client ${APP_CLIENT_ID}, such as that of your single-page app\nor Swagger UI, and of the client ${testClient.clientId}, which has a secret; repeatable. Clients that\nregister themselves need no flag`,
  },
  'post-logout-redirect-uri': {
    value: 'URI',
    repeatable: true,
    help: 'A URI to which the browser of these clients continues after the logout; repeatable',
  },
  'backchannel-logout-uri': {
    value: 'URL',
    help: 'Send a logout token to this URL of your API when a session ends',
  },
  json: { help: 'Print the connection details as JSON' },
  'dangerously-allow-production': { help: 'Run under NODE_ENV=production too' },
  'dangerously-allow-remote': {
    help: 'Let other machines get tokens with the publicly known secrets: for --host and --public-url',
  },
  'public-url': {
    value: 'URL',
    help: 'The address in the issuer identifier, if it is not --host and --port, such as\nhttp://auth:9000 between containers. Needs --dangerously-allow-remote',
  },
}

export const serve: Command = {
  name: 'serve',
  summary: 'Runs an authorization server on this machine, for development and demonstrations.',
  usage: '[--port PORT] [--profile NAME] [FLAGS]',
  flags,
  maxOperands: 0,
  notes: `Users log in at a page of the server: clients that register themselves (MCP clients) find it in the
metadata, others need --redirect-uri. The page lists the users, and asks before each access.

The server keeps everything in memory. The secret of its client is publicly known, as are the
passwords of its users. It therefore listens on 127.0.0.1, does not run under NODE_ENV=production, and
responds with 421 to requests whose Host header is not a loopback name. With --dangerously-allow-remote,
Host may also be an IP address, or the host in --host or --public-url. Its keys are new at each start.
SIGINT (Ctrl+C) or SIGTERM stops it.`,
  examples: [
    `npx ${PROGRAM} serve --port 9000 --profile okta`,
    `npx ${PROGRAM} serve --port 9000 --redirect-uri http://localhost:5173/callback`,
    `npx ${PROGRAM} serve --user ada --group Admins --role editor \\\n  --user bob --claim tenant=acme`,
  ],
  async run(args, { stdout, env, signals }) {
    const profile = args.value('profile')
    const users = readUsers(args, profile)
    const scope = offeredScope(args)
    const server = await start(args, users, scope)
    const options = appOptions(server, profile)
    const ended = waitForSignal(signals)
    try {
      await writeResult(
        stdout,
        args.has('json')
          ? `${jsonDocument(connectionDetails(server, users, scope, options, args))}\n`
          : startupText(
              server,
              users,
              scope,
              options,
              args.values('redirect-uri'),
              colorsFor(stdout, env).bold,
            ),
      )
      await ended
    } finally {
      await server.close()
    }
    return ExitCode.success
  },
}

/** Returns the scope that the server offers: that of OpenID Connect, and that of the API. */
function offeredScope(args: Arguments): readonly string[] {
  const given = args.values('scope').flatMap((scope) => scope.split(' ').filter(Boolean))
  if (given.length === 0) return DEFAULT_SCOPE
  return [...new Set([...DEFAULT_SCOPE.filter(isOpenIdScope), ...given])]
}

async function start(
  args: Arguments,
  users: readonly TestUser[],
  scope: readonly string[],
): Promise<AuthorizationServer> {
  const encryption = await readEncryption(args)
  try {
    return await withFlagNames(flags, async () =>
      createAuthorizationServer({
        host: args.value('host'),
        port: args.wholeNumber('port'),
        publicUrl: args.value('public-url'),
        users,
        scope,
        audience: args.value('audience'),
        clients: clientsOf(args),
        accessTokenLifetime: args.wholeNumber('access-token-lifetime'),
        dangerouslyAllowProduction: args.has('dangerously-allow-production'),
        dangerouslyAllowRemote: args.has('dangerously-allow-remote'),
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
    throw new CommandError(ExitCode.unavailable, listenError(args, code))
  }
}

/**
 * Returns the client with the publicly known secret, and the public client if there is a
 * `--redirect-uri`. Both have the same redirect URIs.
 */
function clientsOf(args: Arguments): readonly TestClient[] {
  const redirectUris = args.values('redirect-uri')
  const postLogoutRedirectUris = args.values('post-logout-redirect-uri')
  const uris = { redirectUris, postLogoutRedirectUris }
  const backchannelLogoutUri = args.value('backchannel-logout-uri')
  const confidential = { ...testClient, ...uris, backchannelLogoutUri }
  if (redirectUris.length === 0) {
    if (postLogoutRedirectUris.length === 0) return [confidential]
    throw new UsageError('--post-logout-redirect-uri needs --redirect-uri')
  }
  const grantTypes = ['authorization_code', 'refresh_token'] as const
  return [confidential, { clientId: APP_CLIENT_ID, ...uris, grantTypes }]
}

function listenError(args: Arguments, code: string | undefined): string {
  const [host, port] = [args.value('host') ?? '127.0.0.1', args.value('port') ?? 'any']
  return code === 'EADDRINUSE'
    ? `port ${port} is already in use (${code}): stop the program that uses it (lsof -i :${port} shows it), choose another with --port, or omit --port to use any free port`
    : `the server cannot listen on ${host}, port ${port} (${code}): --host must be an address of this machine, and a port below 1024 may need privileges`
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

function connectionDetails(
  server: AuthorizationServer,
  users: readonly TestUser[],
  scope: readonly string[],
  options: AppOptions,
  args: Arguments,
) {
  const { issuer, audience, jwksUri } = server
  const { authorizationEndpoint, registrationEndpoint, tokenEndpoint } = server
  const { introspectionEndpoint, userInfoEndpoint, endSessionEndpoint } = server
  const [, app] = clientsOf(args)
  const { clientId, clientSecret } = testClient
  const [{ username, password }] = users as readonly [TestUser]
  return {
    issuer,
    audience,
    scope: scope.join(' '),
    authorizationEndpoint,
    registrationEndpoint,
    tokenEndpoint,
    introspectionEndpoint,
    userInfoEndpoint,
    endSessionEndpoint,
    jwksUri,
    clientId,
    clientSecret,
    publicClientId: app?.clientId,
    username,
    password,
    users,
    options,
  }
}
