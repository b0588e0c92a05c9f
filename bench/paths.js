/**
 * The table of paths: everything that a request can take through the plugin, each with its limit,
 * the least code that could do the same. `file` is the module in `paths/` with the code of both.
 *
 * - `server`: the server that is measured, a key of `servers` in the file.
 * - `limits`: the servers that the measured one is compared with. The one that takes the least CPU
 *   time is the limit.
 * - `beside`: servers that are measured for comparison only.
 * - `requests`: what the client sends, a key of `requests` in the file; `limitRequests` for the
 *   limits, if it differs. Without it, the servers run the operation `operation` in their process.
 * - `status`: the status of the responses, by default 200; open routes always respond with 200.
 * - `turn`: the number of requests in a turn, by default 2,000.
 * - `primes`: a list of tokens that the client sends twice before the measurement.
 */
import { HOSTILE_JSON } from '../test/fixtures/hostile-json.js'

const ALGORITHMS = ['RS256', 'ES256', 'PS256', 'EdDSA']
const VERIFIERS = ['main thread', 'end of the turn', 'thread pool', 'subtle']

const KNOWN = {
  known: {
    title: 'known bearer token',
    limit: 'a Map entry by header, and exp',
    file: 'known',
    server: 'plugin',
    limits: ['map'],
    beside: ['open'],
    requests: 'known',
    primes: 'known',
  },
  'known-100-issuers': {
    title: 'known, of 100 issuers',
    limit: 'of one issuer',
    file: 'scaling',
    server: 'many issuers',
    limits: ['plain'],
    requests: 'many issuers',
    limitRequests: 'known',
    primes: 'known',
  },
  'known-500-routes': {
    title: 'known, at one of 500 routes',
    limit: 'at the only route',
    file: 'scaling',
    server: 'many routes',
    limits: ['plain'],
    requests: 'many routes',
    limitRequests: 'known',
    primes: 'known',
  },
  mtls: {
    title: 'known, bound to a certificate in a header',
    limit: 'known bearer token',
    file: 'mtls',
    server: 'mtls',
    limits: ['bearer'],
    requests: 'bound',
    limitRequests: 'bearer',
  },
  encrypted: {
    title: 'known encrypted token',
    limit: 'known bearer token',
    file: 'encrypted',
    server: 'decrypting',
    limits: ['bearer'],
    requests: 'encrypted',
    limitRequests: 'plain',
  },
  opaque: {
    title: 'opaque token, cached response',
    limit: 'a Map entry by SHA-256, and exp',
    file: 'opaque',
    server: 'introspecting',
    limits: ['map'],
    requests: 'opaque',
  },
}

const SCOPES = Object.fromEntries(
  [
    ['scope-function', 'scope from a function', 'function'],
    ['scope-request', 'request.requireScope()', 'requireScope'],
    ['scope-implied', 'scope implied by another, of 100', 'implied'],
  ].map(([name, title, server]) => [
    name,
    {
      title,
      limit: 'a static scope',
      file: 'scopes',
      server,
      limits: ['static'],
      requests: 'known',
      primes: 'known',
    },
  ]),
)

const REVOCATIONS = Object.fromEntries(
  ['alone', 'shared'].flatMap((where) =>
    ['100,000', '1,000,000'].map((count) => [
      `revocations-${where}-${count.replaceAll(',', '')}`,
      {
        title: `known, ${count} revocations in force, ${where}`,
        limit: `none in force, ${where}`,
        file: 'revocations',
        server: `${where} ${count}`,
        limits: [`${where} 0`],
        requests: 'known',
        primes: 'known',
      },
    ]),
  ),
)

const NEW = Object.fromEntries(
  ALGORITHMS.map((algorithm) => [
    `new-${algorithm}`,
    {
      title: `new ${algorithm} token`,
      limit: 'parse + bare verification',
      file: 'new',
      server: 'plugin',
      limits: VERIFIERS,
      beside: algorithm === 'RS256' ? ['jose'] : [],
      requests: algorithm,
      turn: 1_000,
    },
  ]),
)

const DPOP = {
  dpop: {
    title: 'DPoP, known token, new proof',
    limit: 'known bearer token + bare ES256 verification',
    file: 'dpop',
    server: 'dpop',
    limits: VERIFIERS,
    beside: ['bearer'],
    requests: 'proof',
    limitRequests: 'proof and bearer token',
    turn: 800,
  },
}

/** What can reject a token that cannot be parsed, and one that can. */
const UNREADABLE = {
  limit: '401 with a new Error and a header',
  limits: ['401'],
  beside: ['401 with a stack trace', 'open'],
}
const READABLE = {
  limit: 'parse + 401 with a new Error and a header',
  limits: ['401 after parsing', '401 after parsing at the end of the turn'],
  beside: ['401', 'open'],
}

const REJECTED = Object.fromEntries(
  [
    ['missing', 'no token', UNREADABLE],
    ['malformed', 'malformed token', UNREADABLE],
    ['foreign-issuer', 'token of an untrusted issuer', READABLE],
    ['wrong-algorithm', 'algorithm that is not accepted', READABLE],
    ['unknown-kid', 'unknown kid', READABLE],
  ].map(([name, title, comparison]) => [
    `rejected-${name}`,
    {
      title: `rejected: ${title}`,
      ...comparison,
      file: 'rejected',
      server: 'plugin',
      requests: name,
      status: 401,
    },
  ]),
)

const HOSTILE = Object.fromEntries(
  Object.keys(HOSTILE_JSON).map((claims) => [
    `hostile-${claims.replaceAll(' ', '-')}`,
    {
      title: `hostile 8 KB: ${claims}`,
      limit: 'JSON.parse of the claims',
      file: 'hostile',
      server: 'verify',
      limits: ['JSON.parse'],
      operation: claims,
      turn: 200,
    },
  ]),
)

const REPLAY = Object.fromEntries(
  ['ioredis', 'iovalkey', 'node-redis'].flatMap((client) =>
    [
      ['add', 'a new proof'],
      ['refuse', 'a used proof'],
    ].map(([operation, title]) => [
      `redis-${operation}-${client}`,
      {
        title: `Redis replay cache, ${title}, ${client}`,
        limit: 'SET NX PX',
        file: 'redis',
        server: `store, ${client}`,
        limits: [`bare, ${client}`],
        operation,
      },
    ]),
  ),
)

/** By name, in the order of the measurement and of the tables. */
export const paths = {
  ...KNOWN,
  ...SCOPES,
  ...REVOCATIONS,
  ...NEW,
  ...DPOP,
  ...REJECTED,
  ...HOSTILE,
  ...REPLAY,
}
