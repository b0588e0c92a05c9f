/** Reads options from environment variables. */
import { nearest } from '../base/did-you-mean.js'
import { requireKnownKeys } from '../base/plain-object.js'
import { RESOURCE_SERVER_OPTIONS, type ResourceServerOptions } from './options.js'

/** Options of {@link optionsFromEnvironment}. */
export interface EnvironmentSource {
  /**
   * Prefix of the variables: letters, digits and underscores. Choose one that no other program
   * uses. Default `RESOURCE_SERVER_`.
   */
  prefix?: string
}

/** The options that environment variables can set. */
export interface OptionsFromEnvironment
  extends Pick<
    ResourceServerOptions,
    | 'profile'
    | 'algorithms'
    | 'requiredClaims'
    | 'clockTolerance'
    | 'maxTokenAge'
    | 'maxTokenLength'
    | 'realm'
    | 'jwksUri'
    | 'secret'
    | 'introspection'
    | 'dpop'
    | 'mtls'
    | 'dangerouslyAllowHttp'
  > {
  /** The identifier of the issuer, or of several. */
  issuer: string | readonly string[]
  /** The audience of this API, or several. */
  audience: string | readonly string[]
}

type ValueKind = 'text' | 'list' | 'number' | 'boolean' | 'mode'

/** The variables, without the prefix, with the option and the kind of its value. */
export const ENVIRONMENT_VARIABLES = {
  ISSUER: ['issuer', 'list'],
  AUDIENCE: ['audience', 'list'],
  PROFILE: ['profile', 'text'],
  ALGORITHMS: ['algorithms', 'list'],
  REQUIRED_CLAIMS: ['requiredClaims', 'list'],
  CLOCK_TOLERANCE: ['clockTolerance', 'number'],
  MAX_TOKEN_AGE: ['maxTokenAge', 'number'],
  MAX_TOKEN_LENGTH: ['maxTokenLength', 'number'],
  REALM: ['realm', 'text'],
  JWKS_URI: ['jwksUri', 'text'],
  SECRET: ['secret', 'text'],
  INTROSPECTION_CLIENT_ID: ['introspection.clientId', 'text'],
  INTROSPECTION_CLIENT_SECRET: ['introspection.clientSecret', 'text'],
  INTROSPECTION_ENDPOINT: ['introspection.endpoint', 'text'],
  INTROSPECTION_MODE: ['introspection.mode', 'text'],
  DPOP: ['dpop', 'mode'],
  MTLS: ['mtls', 'mode'],
  DANGEROUSLY_ALLOW_HTTP: ['dangerouslyAllowHttp', 'boolean'],
} as const satisfies Record<string, readonly [option: string, kind: ValueKind]>

const REQUIRED = ['ISSUER', 'AUDIENCE']
const OPTIONAL = Object.keys(ENVIRONMENT_VARIABLES).filter((name) => !REQUIRED.includes(name))
/** Options that no variable sets, and those of which variables set only some members. */
const CODE_OPTIONS: readonly string[] = [
  ...RESOURCE_SERVER_OPTIONS,
  'global',
  'extractToken',
  'backchannelLogout',
  'onReject',
  'logRejections',
].filter((key) => !Object.values(ENVIRONMENT_VARIABLES).some(([option]) => option === key))
/** Matches the variables that Kubernetes and Docker set for services, such as `PORT_80_TCP_ADDR`. */
const SERVICE_LINK =
  /(?:^|_)(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:ADDR|PORT|PROTO))?)?)$/
/** Matches names that begin with an option without which the API accepts more. */
const RESTRICTION =
  /^(?:ALGORITHMS|REQUIRED_CLAIMS|MAX_TOKEN_AGE|INTROSPECTION|DPOP|MTLS|DECRYPTION)(?:_|$)/
/** Options of which one value is not an array. */
const ONE_OR_MORE = ['issuer', 'audience']

/**
 * Returns the options in environment variables such as `RESOURCE_SERVER_ISSUER`. `ISSUER` and
 * `AUDIENCE` must be set. Removes whitespace at both ends of a value, such as the line end of a
 * file with a secret; the elements of a list are delimited by commas. Checks only that numbers and
 * booleans are such; the plugin checks everything else. Every other variable with the prefix is an
 * error, because ignoring a misspelled one could make the API accept more. Only variables that
 * Kubernetes sets for services are ignored, such as `RESOURCE_SERVER_SERVICE_HOST`. With an empty
 * prefix, only variables that resemble known ones are errors.
 *
 * @param env the environment, usually `process.env`.
 * @throws {TypeError} that names the variable, if a required one is not set, or if one is empty,
 *   malformed or unknown. Messages contain no value.
 *
 * @example
 * ```ts
 * import resourceServer, { optionsFromEnvironment } from 'fastify-resource-server'
 *
 * await app.register(resourceServer, {
 *   ...optionsFromEnvironment(process.env, { prefix: 'AUTH_' }),
 *   global: false,
 * })
 * ```
 */
export function optionsFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  source: EnvironmentSource = {},
): OptionsFromEnvironment {
  if (typeof source === 'string') {
    throw new TypeError('optionsFromEnvironment() takes the prefix in an object: { prefix }')
  }
  const known = requireKnownKeys('optionsFromEnvironment()', source, ['prefix'])
  const { prefix = 'RESOURCE_SERVER_' } = known
  if (typeof env !== 'object' || env === null) {
    throw new TypeError('optionsFromEnvironment() requires an environment: pass process.env')
  }
  if (typeof prefix !== 'string' || !/^\w*$/.test(prefix)) {
    throw new TypeError('"prefix" must consist of letters, digits and underscores')
  }
  rejectUnknown(env, prefix)
  const options: Record<string, unknown> = {}
  const introspection: Record<string, unknown> = {}
  for (const [name, [option, kind]] of Object.entries(ENVIRONMENT_VARIABLES)) {
    const variable = prefix + name
    const text = Object.hasOwn(env, variable) ? env[variable] : undefined
    if (text === undefined) {
      if (REQUIRED.includes(name))
        throw new TypeError(
          `${variable} is not set: set it, for example in a file that you pass as --env-file to node`,
        )
      continue
    }
    const value = read(variable, text.trim(), kind, ONE_OR_MORE.includes(option))
    const [group, member] = option.split('.') as [string, string?]
    if (member === undefined) options[group] = value
    else introspection[member] = value
  }
  requireAlgorithms(options, prefix)
  return {
    ...options,
    ...(Object.keys(introspection).length > 0 && { introspection }),
  } as unknown as OptionsFromEnvironment
}

function read(variable: string, text: string, kind: ValueKind, mayBeOne: boolean): unknown {
  if (text === '') throw new TypeError(`${variable} is empty: set it, or remove it`)
  switch (kind) {
    case 'text':
      return text
    case 'list':
      return readList(variable, text, mayBeOne)
    case 'number':
      if (/^\d{1,15}$/.test(text)) return Number(text)
      throw new TypeError(`${variable} must be a whole number in digits`)
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true'
      throw new TypeError(`${variable} must be true or false`)
    case 'mode':
      return text === 'false' ? false : text
  }
}

function readList(variable: string, text: string, mayBeOne: boolean): string | readonly string[] {
  // Docker passes the quotation marks in an --env-file on, unlike a shell.
  if (/^["'[]/.test(text)) {
    throw new TypeError(
      `${variable} must be written without quotation marks and brackets: delimit elements by commas`,
    )
  }
  const elements = text.split(',').map((element) => element.trim())
  if (elements.includes('')) {
    throw new TypeError(`${variable} must have no empty element: delimit elements by one comma`)
  }
  return mayBeOne && elements.length === 1 ? (elements[0] as string) : elements
}

/** @throws {TypeError} that names the first unknown variable with the prefix, ignoring case. */
function rejectUnknown(env: Readonly<Record<string, unknown>>, prefix: string): void {
  const known = Object.keys(ENVIRONMENT_VARIABLES)
  for (const [variable, value] of Object.entries(env)) {
    const [before, name] = [variable.slice(0, prefix.length), variable.slice(prefix.length)]
    if (before.toUpperCase() !== prefix.toUpperCase() || value === undefined) continue
    const isRead = known.includes(name) && Object.hasOwn(env, prefix + name)
    if (isRead || SERVICE_LINK.test(name)) continue
    // With an empty prefix, the variables of all programs get here.
    if (prefix === '' && !RESTRICTION.test(name) && nearest(name, OPTIONAL) === undefined) continue
    if (name.startsWith('_') && known.includes(name.slice(1))) {
      throw new TypeError(
        `${variable} is unknown with the prefix "${prefix}". Set the prefix to "${prefix}_"`,
      )
    }
    throw new TypeError(
      `${variable} is unknown${fixFor(name, prefix, known)} If ${variable} belongs to another program, choose another prefix`,
    )
  }
}

function fixFor(name: string, prefix: string, known: readonly string[]): string {
  const similar = nearest(name, known)
  if (similar !== undefined) return `. Did you mean ${prefix}${similar}?`
  const option = CODE_OPTIONS.find((key) => `${name}_`.startsWith(`${variableOf(key)}_`))
  if (option !== undefined) return `: set the option "${option}" in the code.`
  const meant = known.find((other) => haveSameWords(name, other))
  if (meant !== undefined) return `. Did you mean ${prefix}${meant}?`
  return `. Known: ${known.map((other) => prefix + other).join(', ')}.`
}

/** Whether one name has all words of the other, in any order. */
function haveSameWords(name: string, other: string): boolean {
  const [some, more] = [name.split('_'), other.split('_')]
  return some.every((word) => more.includes(word)) || more.every((word) => some.includes(word))
}

/** @throws {TypeError} if only the secret is set, perhaps by another program, such as Auth.js. */
function requireAlgorithms(options: Readonly<Record<string, unknown>>, prefix: string): void {
  if (!('secret' in options) || 'algorithms' in options) return
  throw new TypeError(
    `${prefix}SECRET requires ${prefix}ALGORITHMS, such as HS256. If ${prefix}SECRET belongs to another program, choose another prefix`,
  )
}

/** Returns the name that a variable for the option would have, such as `MAX_TOKEN_AGE`. */
function variableOf(option: string): string {
  return option.replace(/[A-Z]/g, '_$&').toUpperCase()
}
