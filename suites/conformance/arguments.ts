/** What may be said on the command line. */
import { parseArgs } from 'node:util'
import { canParseUrl } from '../../src/base/can-parse-url.js'
import { FEATURES, type Feature } from './check.js'
import { ids } from './suite.js'
import { type UrlTarget, USUAL } from './targets/url.js'

export const USAGE = `npm run suite -- conformance                                   this package in all its modes
npm run suite -- conformance --url http://…                    an API of yours, see docs/evidence/conformance.md
npm run suite -- conformance --peer express-oauth2-jwt-bearer  a peer, in a folder of its own

  --issuer-port 9400    where the authorization server listens, with --url
  --with a,b            what the API does beside the usual: ${Object.keys(FEATURES).join(', ')}
  --without a,b         what it does not do of the usual: ${USUAL.join(', ')}
  --resource https://…  "resource" of its metadata, for --with metadata
  --mode a,b            only these modes of this package
  --only B,J10          only these rows, or groups of rows
  --json                the verdicts as JSON
  --markdown            the verdicts as tables

The exit code is 0 if nothing failed, 1 if something did, 2 if it could not be run.`

export interface Arguments {
  readonly url: UrlTarget | undefined
  readonly peers: readonly string[]
  readonly modes: readonly string[]
  readonly issuerPort: number
  readonly isWanted: (id: string) => boolean
  readonly format: 'text' | 'json' | 'markdown'
  readonly help: boolean
}

/** @throws {TypeError} that names the argument. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: 'string' },
      peer: { type: 'string', multiple: true, default: [] },
      mode: { type: 'string', default: '' },
      'issuer-port': { type: 'string', default: '9400' },
      with: { type: 'string', default: '' },
      without: { type: 'string', default: '' },
      resource: { type: 'string' },
      only: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const issuerPort = Number(values['issuer-port'])
  if (!Number.isInteger(issuerPort) || issuerPort < 0 || issuerPort > 65_535) {
    throw new TypeError('--issuer-port must be a port, 0 to 65535')
  }
  const added = featuresOf('with', values.with)
  const taken = featuresOf('without', values.without)
  const features = new Set([...USUAL, ...added].filter((one) => !taken.includes(one)))
  // The two sides of one matter.
  if (features.has('dpop')) features.delete('dpop-off')
  if (features.has('mtls')) features.delete('mtls-off')
  if (features.has('metadata') && values.resource === undefined) {
    throw new TypeError('--with metadata needs --resource')
  }
  return {
    url:
      values.url === undefined
        ? undefined
        : { url: urlOf(values.url), features, resource: values.resource },
    peers: values.peer,
    modes: listOf(values.mode),
    issuerPort,
    isWanted: wantedBy(listOf(values.only)),
    format: values.json ? 'json' : values.markdown ? 'markdown' : 'text',
    help: values.help,
  }
}

function urlOf(text: string): string {
  const url = canParseUrl(text) ? new URL(text) : undefined
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw new TypeError('--url must be an http or https URL, without query')
  }
  return url.href
}

function listOf(text: string): string[] {
  return text.split(',').filter((one) => one !== '')
}

/** Those that the suite itself must have a hand in. */
const NOT_BY_URL: readonly Feature[] = ['restart', 'clock', 'password-grant']

function featuresOf(name: string, text: string): Feature[] {
  const list = listOf(text)
  const known = list.every((one) => Object.hasOwn(FEATURES, one))
  if (!known || list.some((one) => NOT_BY_URL.includes(one as Feature))) {
    const possible = Object.keys(FEATURES).filter((one) => !NOT_BY_URL.includes(one as Feature))
    throw new TypeError(`--${name} must be some of ${possible.join(', ')}`)
  }
  return list as Feature[]
}

function wantedBy(only: readonly string[]): (id: string) => boolean {
  for (const one of only) {
    if (!ids.some((id) => id === one || id.charAt(0) === one)) {
      throw new TypeError(`--only must be rows such as B3, or groups such as B; there is no ${one}`)
    }
  }
  return (id) => only.length === 0 || only.includes(id) || only.includes(id.charAt(0))
}
