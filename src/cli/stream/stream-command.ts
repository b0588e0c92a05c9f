/**
 * Implements the command `stream`, which manages the streams of a receiver at a transmitter of
 * security events (SSF 1.0 §8.1).
 */
import { isToken68 } from '../../base/request-headers.js'
import { isSecureUrl } from '../../http/secure-url.js'
import { requireTransmitter } from '../../security-events/resolve-feeds.js'
import type { Arguments } from '../arguments.js'
import { colorsFor } from '../colors.js'
import type { Command, Flags } from '../command.js'
import type { ProcessContext } from '../context.js'
import { ExitCode, UsageError } from '../exit-code.js'
import { withFlagNames } from '../flag-errors.js'
import { PROGRAM } from '../help.js'
import { writeResult } from '../output.js'
import { jsonDocument, printable } from '../printable.js'
import { ACCESS_TOKEN, PUSH_AUTHORIZATION, readSecret, rejectedAsFlag } from '../secrets.js'
import { fullNames, SHORT_NAMES } from './event-names.js'
import { POLL, PUSH } from './stream-configuration.js'
import { createdText, listText } from './stream-text.js'
import { TransmitterClient } from './transmitter-client.js'

const NO_AUTHORIZATION = 'no-push-authorization'

const flags: Flags = {
  issuer: {
    value: 'URL',
    help: 'The transmitter (required): the "issuer" in its /.well-known/ssf-configuration',
  },
  push: { value: 'URL', help: 'create: push events to this URL of your API' },
  poll: { help: 'create: keep events until your API polls for them' },
  event: {
    value: 'NAME',
    repeatable: true,
    help: `create: an event to request; repeatable. The URI of an event, or one of the default, which\nis all of: ${SHORT_NAMES.slice(0, 4).join(', ')},\n${SHORT_NAMES.slice(4).join(', ')}`,
  },
  description: { value: 'TEXT', help: 'create: a description of the stream' },
  'stream-id': {
    value: 'ID',
    help: 'status, verify, delete: the stream, as create and list show it',
  },
  [ACCESS_TOKEN.stdinFlag]: {
    help: 'Read the access token for the transmitter from standard input',
  },
  [PUSH_AUTHORIZATION.stdinFlag]: {
    help: 'create: read the Authorization header of pushed events from standard input',
  },
  [NO_AUTHORIZATION]: { help: 'create: push events without an Authorization header' },
  timeout: {
    value: 'DURATION',
    help: 'Timeout of the whole exchange: 10s, 500ms, or a number of seconds. Default 10s',
  },
  json: { help: 'Print the result as JSON' },
  'dangerously-allow-http': { help: 'Use http also on hosts other than loopback' },
}

type Action = (
  transmitter: TransmitterClient,
  args: Arguments,
  context: ProcessContext,
) => Promise<string>

/** The actions, each with the flags that not all actions have. */
const ACTIONS: Readonly<
  Record<string, { readonly flags: readonly string[]; readonly run: Action }>
> = {
  create: {
    flags: ['push', 'poll', 'event', 'description', PUSH_AUTHORIZATION.stdinFlag, NO_AUTHORIZATION],
    run: create,
  },
  list: { flags: [], run: list },
  status: { flags: ['stream-id'], run: status },
  verify: { flags: ['stream-id'], run: verify },
  delete: { flags: ['stream-id'], run: remove },
}

const COMMON_FLAGS = ['issuer', ACCESS_TOKEN.stdinFlag, 'timeout', 'json', 'dangerously-allow-http']

export const stream: Command = {
  name: 'stream',
  summary: 'Manages the streams of security events at a transmitter (SSF 1.0).',
  usage: `${Object.keys(ACTIONS).join('|')} --issuer URL [FLAGS]`,
  flags,
  rejectedFlags: {
    'access-token': rejectedAsFlag('access-token', ACCESS_TOKEN),
    'push-authorization': rejectedAsFlag('push-authorization', PUSH_AUTHORIZATION),
  },
  maxOperands: 1,
  notes: `create prints the option securityEvents for your API; list shows your streams; status shows whether a
stream is enabled; verify requests a verification event; delete ends a stream.

Secrets are read from standard input with --access-token-stdin or --push-authorization-stdin, else from
the environment variables FRS_ACCESS_TOKEN and FRS_PUSH_AUTHORIZATION (FRS: fastify-resource-server), else
prompted for at the terminal without echo. They are never arguments, and are never printed. The access
token is one that the transmitter accepts for the management of streams. The other secret is the whole
value of the header that the transmitter sends with each pushed event, such as "Bearer 6f0c…".`,
  examples: [
    `npx ${PROGRAM} stream create --issuer https://login.example.com \\\n  --push https://api.example.com/security-events`,
    `FRS_ACCESS_TOKEN=… npx ${PROGRAM} stream create --issuer https://login.example.com --poll`,
    `npx ${PROGRAM} stream status --issuer https://login.example.com --stream-id ID`,
  ],
  async run(args, context) {
    const action = readAction(args)
    const allowHttp = args.has('dangerously-allow-http')
    const issuer = await withFlagNames(flags, async () =>
      requireTransmitter(args.required('issuer'), allowHttp),
    )
    const timeout = args.milliseconds('timeout', MAX_TIMEOUT_MS) ?? 10_000
    const transmitter = new TransmitterClient({ issuer, timeout, allowHttp })
    await writeResult(context.stdout, await action(transmitter, args, context))
    return ExitCode.success
  },
}

/** The maximum delay of a Node timer, in milliseconds. */
const MAX_TIMEOUT_MS = 2_147_483_647

function readAction(args: Arguments): Action {
  const [name = ''] = args.operands
  const names = Object.keys(ACTIONS)
  // The message does not contain the operand, which may be a secret.
  if (!names.includes(name)) throw new UsageError(`stream needs an action: ${names.join(', ')}`)
  const { flags: own, run } = ACTIONS[name] as (typeof ACTIONS)[string]
  const other = Object.keys(flags).find(
    (flag) => args.has(flag) && !COMMON_FLAGS.includes(flag) && !own.includes(flag),
  )
  if (other === undefined) return run
  const owners = names.filter((action) => ACTIONS[action]?.flags.includes(other))
  throw new UsageError(`--${other} is for stream ${owners.join(', ')}, not for stream ${name}`)
}

async function create(
  transmitter: TransmitterClient,
  args: Arguments,
  context: ProcessContext,
): Promise<string> {
  const { issuer } = transmitter
  const url = readPushUrl(args)
  const requested = fullNames(args.values('event'))
  const description = args.value('description')
  requireOneStdin(args)
  const accessToken = await readAccessToken(args, context)
  const authorization = url === undefined ? undefined : await readAuthorization(args, context)
  const delivery =
    url === undefined
      ? { method: POLL }
      : {
          method: PUSH,
          endpoint_url: url,
          ...(authorization !== undefined && { authorization_header: authorization }),
        }
  const { configuration, audience, pollUrl } = await transmitter.create(
    { delivery, events_requested: requested, ...(description !== undefined && { description }) },
    { accessToken, authorization },
  )
  if (args.has('json')) return `${jsonDocument(configuration)}\n`
  return createdText(
    {
      configuration,
      issuer,
      audience,
      requested,
      delivery: { method: delivery.method, url: url ?? pollUrl },
      isAuthorized: authorization !== undefined,
    },
    colorsFor(context.stdout, context.env),
  )
}

async function list(transmitter: TransmitterClient, args: Arguments, context: ProcessContext) {
  const streams = await transmitter.list(await readAccessToken(args, context))
  if (args.has('json')) return `${jsonDocument(streams)}\n`
  return listText(streams, colorsFor(context.stdout, context.env))
}

async function status(transmitter: TransmitterClient, args: Arguments, context: ProcessContext) {
  const id = args.required('stream-id')
  const result = await transmitter.status(id, await readAccessToken(args, context))
  if (args.has('json')) return `${jsonDocument(result)}\n`
  const reason = result.reason === undefined ? '' : `reason  ${printable(result.reason)}\n`
  return `${printable(result.status)}\n${reason}`
}

async function verify(transmitter: TransmitterClient, args: Arguments, context: ProcessContext) {
  const id = args.required('stream-id')
  await transmitter.verify(id, await readAccessToken(args, context))
  if (args.has('json')) return `${jsonDocument({ stream_id: id, requested: true })}\n`
  return 'verification event requested\nOnce your API has received it, securityEventStatus() shows the time as lastVerificationAt.\n'
}

async function remove(transmitter: TransmitterClient, args: Arguments, context: ProcessContext) {
  const id = args.required('stream-id')
  await transmitter.delete(id, await readAccessToken(args, context))
  return args.has('json') ? `${jsonDocument({ stream_id: id, deleted: true })}\n` : 'deleted\n'
}

/** Returns the URL to which events are pushed; `undefined` for a stream that is polled. */
function readPushUrl(args: Arguments): string | undefined {
  const url = args.value('push')
  if ((url !== undefined) === args.has('poll')) {
    throw new UsageError('stream create needs either --push URL or --poll')
  }
  if (url === undefined) {
    const flag = [PUSH_AUTHORIZATION.stdinFlag, NO_AUTHORIZATION].find((name) => args.has(name))
    if (flag === undefined) return undefined
    throw new UsageError(`--${flag} needs --push`)
  }
  const allowHttp = args.has('dangerously-allow-http')
  if (isSecureUrl(url, { allowHttp, mayBeLoopback: true }) && !/[?#]/.test(url)) return url
  throw new UsageError(
    '--push must be an https URL (http on loopback only) without query, fragment or credentials',
  )
}

function requireOneStdin(args: Arguments): void {
  const names = [ACCESS_TOKEN.stdinFlag, PUSH_AUTHORIZATION.stdinFlag]
  if (!names.every((name) => args.has(name))) return
  throw new UsageError(
    `--${names.join(' and --')} are mutually exclusive: standard input holds one secret`,
  )
}

async function readAccessToken(args: Arguments, context: ProcessContext): Promise<string> {
  const token = await readSecret(ACCESS_TOKEN, args, context)
  if (token === undefined) {
    throw new UsageError(
      `no access token for the transmitter: set ${ACCESS_TOKEN.variable}, or pipe it in with --${ACCESS_TOKEN.stdinFlag}`,
    )
  }
  if (isToken68(token)) return token
  throw new UsageError(
    'the access token has characters that are invalid in an Authorization header (RFC 6750 §2.1): pass only the token, without "Bearer"',
  )
}

async function readAuthorization(
  args: Arguments,
  context: ProcessContext,
): Promise<string | undefined> {
  if (args.has(NO_AUTHORIZATION)) return undefined
  const value = await readSecret(PUSH_AUTHORIZATION, args, context)
  if (value === undefined) {
    throw new UsageError(
      `no Authorization header for pushed events: set ${PUSH_AUTHORIZATION.variable} to its value, such as "Bearer " and a random text, pipe it in with --${PUSH_AUTHORIZATION.stdinFlag}, or add --${NO_AUTHORIZATION}`,
    )
  }
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(value)) return value
  throw new UsageError('the Authorization header of pushed events must be printable ASCII')
}
