/** Reads the command-line options of the suite. */
import { parseArgs } from 'node:util'
import { canParseUrl } from '../../src/base/can-parse-url.js'
import { FEATURES, type Feature } from './check.js'
import { ids } from './suite.js'
import { DEFAULT_FEATURES, type UrlTarget } from './targets/url.js'

export const USAGE = `npm run suite -- conformance                                   this package in all its modes
npm run suite -- conformance --url http://…                    your own API, see docs/evidence/conformance.md
npm run suite -- conformance --peer express-oauth2-jwt-bearer  a peer, in a separate folder

  --issuer-port 9400    port of the authorization server, with --url
  --with a,b            features of the API beside the defaults: ${Object.keys(FEATURES).join(', ')}
  --without a,b         default features that the API lacks: ${DEFAULT_FEATURES.join(', ')}
  --resource https://…  "resource" of its metadata, for --with metadata
  --mode a,b            only these modes of this package
  --only B,J10          only these rows, or groups of rows
  --json                print the results as JSON
  --markdown            print the results as tables

The exit code is 0 if every check passed, 1 if one failed, 2 if the suite could not run.`

export interface Arguments {
  readonly url: UrlTarget | undefined
  readonly peers: readonly string[]
  readonly modes: readonly string[]
  readonly issuerPort: number
  readonly isSelected: (id: string) => boolean
  readonly format: 'text' | 'json' | 'markdown'
  readonly help: boolean
}

/** @throws {TypeError} if an option is unknown or invalid. */
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
  const removed = featuresOf('without', values.without)
  const features = new Set(
    [...DEFAULT_FEATURES, ...added].filter((feature) => !removed.includes(feature)),
  )
  // The listed features are mutually exclusive.
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
    isSelected: filterOf(listOf(values.only)),
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
  return text.split(',').filter((item) => item !== '')
}

/** Features that need an API that the suite starts itself. */
const NEEDS_RESTART: readonly Feature[] = ['restart', 'clock', 'encrypted', 'password-grant']

function featuresOf(name: string, text: string): Feature[] {
  const list = listOf(text)
  const isForbidden = (feature: string) => NEEDS_RESTART.includes(feature as Feature)
  if (list.some((feature) => !Object.hasOwn(FEATURES, feature) || isForbidden(feature))) {
    const possible = Object.keys(FEATURES).filter((feature) => !isForbidden(feature))
    throw new TypeError(`--${name} must be some of ${possible.join(', ')}`)
  }
  return list as Feature[]
}

function filterOf(only: readonly string[]): (id: string) => boolean {
  for (const name of only) {
    if (!ids.some((id) => id === name || id.charAt(0) === name)) {
      throw new TypeError(
        `--only must be rows such as B3, or groups such as B: "${name}" does not exist`,
      )
    }
  }
  return (id) => only.length === 0 || only.includes(id) || only.includes(id.charAt(0))
}
