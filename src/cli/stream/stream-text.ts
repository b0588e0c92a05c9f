/** Renders streams, and the option `securityEvents` for a new one, as text. */
import type { Colors } from '../colors.js'
import { PROGRAM } from '../help.js'
import { printable, printableJson } from '../printable.js'
import { ACCESS_TOKEN, PUSH_AUTHORIZATION } from '../secrets.js'
import { shellQuote } from '../shell-quote.js'
import { shortName } from './event-names.js'
import { PUSH, type StreamConfiguration } from './stream-configuration.js'

export interface CreatedStream {
  readonly configuration: StreamConfiguration
  readonly issuer: string
  readonly audience: string | readonly string[]
  readonly delivery: { readonly method: string; readonly url: string }
  /** Whether the transmitter sends an `Authorization` header with pushed events. */
  readonly isAuthorized: boolean
  readonly requested: readonly string[]
}

export function createdText(created: CreatedStream, { bold, red }: Colors): string {
  const { configuration, issuer, requested } = created
  const { stream_id: id, events_delivered: delivered } = configuration
  const missing = requested.filter((event) => delivered?.includes(event) === false)
  const warning =
    missing.length === 0
      ? ''
      : `\n${red('not delivered')}  ${missing.map(shortName).join(', ')}\n  The transmitter does not report these events: keep the lifetime of access tokens short.\n`
  return `
${bold('stream created')}  ${printable(id)}

  events  ${eventNames(delivered ?? requested)}
${warning}
${bold('options of the plugin')}

${indent(feedSource(created))}

  If the transmitter is no issuer of access tokens, add tokenIssuers: the issuers whose tokens it
  may revoke.

${bold('test the stream')}

  npx ${PROGRAM} stream verify --issuer ${shellQuote(issuer)} --stream-id ${shellQuote(id)}
`
}

/** Returns the option `securityEvents` as source code, without secrets. */
function feedSource({ issuer, audience, delivery, isAuthorized }: CreatedStream): string {
  const { method, url } = delivery
  const member =
    method === PUSH
      ? [
          `push: {`,
          `  path: ${source(new URL(url).pathname)},`,
          // String() turns a missing variable into a value that no transmitter sends. Without it,
          // requests without the header would be accepted.
          ...(isAuthorized
            ? [`  authorization: String(process.env.${PUSH_AUTHORIZATION.variable}),`]
            : []),
          `},`,
        ]
      : [
          `poll: {`,
          `  url: ${source(url)},`,
          `  authorization: \`Bearer \${process.env.${ACCESS_TOKEN.variable}}\`,`,
          `},`,
        ]
  const members = [`issuer: ${source(issuer)},`, `audience: ${source(audience)},`, ...member]
  return ['securityEvents: {', ...members.map((line) => `  ${line}`), '},'].join('\n')
}

export function listText(streams: readonly StreamConfiguration[], { bold }: Colors): string {
  if (streams.length === 0) return 'no streams\n'
  return streams
    .map(({ stream_id, aud, delivery, events_delivered, description }) => {
      const rows = {
        delivery: delivery?.method,
        endpoint: delivery?.endpoint_url,
        audience: typeof aud === 'string' ? aud : aud?.join(', '),
        events: events_delivered && eventNames(events_delivered),
        description,
      }
      const lines = Object.entries(rows).filter(([, value]) => value !== undefined)
      return [
        bold(printable(stream_id)),
        ...lines.map(([name, value]) => `  ${name.padEnd(11)}  ${printable(value as string)}`),
        '',
      ].join('\n')
    })
    .join('\n')
}

function eventNames(events: readonly string[]): string {
  return events.length === 0 ? 'none' : printable(events.map(shortName).join(', '))
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ')
}

/** Returns the value as an expression of JavaScript on one line. */
function source(value: string | readonly string[]): string {
  if (typeof value !== 'string') return `[${value.map(source).join(', ')}]`
  const json = printableJson(value)
  return /["'\\]/.test(json.slice(1, -1)) ? json : `'${json.slice(1, -1)}'`
}
