/** Reads options from environment variables. */
import { nearest } from '../base/did-you-mean.js'
import { requireKnownKeys } from '../base/plain-object.js'
import type { ResourceServerOptions } from './options.js'

/** Options of {@link optionsFromEnvironment}. */
export interface EnvironmentSource {
  /**
   * Prefix of the variables: letters, digits and underscores. Default `RESOURCE_SERVER_`.
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
/**
 * Options that no variable sets, with names that other programs hardly use. A variable for one is
 * an error, because ignoring it could make the API accept more.
 */
const CODE_OPTIONS = [
  'global',
  'logRejections',
  'backchannelLogout',
  'resourceMetadata',
  'scopeImplies',
  'decryption',
  'tokenCache',
  'revocations',
  'securityEvents',
  'dangerouslyNoAudience',
  'dangerouslyAudienceFrom',
  'dangerouslyAllowIdTokenClaims',
  'dangerouslyAllowSecretWithKeys',
]
/** Options of which one value is not an array. */
const ONE_OR_MORE = ['issuer', 'audience']

/**
 * Returns the options in environment variables such as `RESOURCE_SERVER_ISSUER`. `ISSUER` and
 * `AUDIENCE` must be set. Removes whitespace at both ends of a value, such as the line end of a
 * file with a secret; the elements of a list are delimited by commas. Checks only that numbers and
 * booleans are such; the plugin checks everything else. Variables with the prefix that resemble no
 * known one are ignored, because a container platform may set them.
 *
 * @param env the environment, usually `process.env`.
 * @throws {TypeError} that names the variable, if a required one is not set, or if one is empty,
 *   malformed or misspelled. Messages contain no value.
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
  rejectMisspelled(env, prefix)
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

function rejectMisspelled(env: Readonly<Record<string, unknown>>, prefix: string): void {
  const known = Object.keys(ENVIRONMENT_VARIABLES)
  for (const variable of Object.keys(env)) {
    const name = variable.slice(prefix.length)
    if (prefix === '' || !variable.startsWith(prefix) || known.includes(name)) continue
    if (known.includes(name.replace(/^_/, ''))) {
      throw new TypeError(
        `${variable} is unknown with the prefix "${prefix}". Set the prefix to "${prefix}_"`,
      )
    }
    const option = CODE_OPTIONS.find((key) => variableOf(key) === name)
    if (option !== undefined) {
      throw new TypeError(`${variable} is unknown: set the option "${option}" in the code`)
    }
    const meant = nearest(name, known)
    if (meant === undefined && name.startsWith('INTROSPECTION_')) {
      throw new TypeError(
        `${variable} is unknown: set other options of "introspection" in the code`,
      )
    }
    if (meant === undefined) continue
    throw new TypeError(`${variable} is unknown. Did you mean ${prefix}${meant}?`)
  }
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
