/**
 * The table of peers: other packages in the same route, and what each can verify. `peers/` has the
 * code of each. The cases are paths, as in `paths.js`, that the client sends to every peer.
 */
import { readFileSync } from 'node:fs'
import { HOSTILE } from './hostile.js'
import { mapValues } from './map-values.js'

const ALL = ['RS256', 'ES256', 'PS256', 'EdDSA']

/**
 * - `algorithms`: those that the peer verifies; other cases exclude the peer.
 * - `baseline`: the open route that the cost of a rejection is relative to.
 * - `rejectionStatuses`: by case, the statuses of rejections that are not 401.
 */
const PEERS = {
  open: { label: `Fastify ${versionOf('fastify')}, open route` },
  ours: { label: `this plugin ${versionOf('fastify-resource-server')}` },
  jose: { label: `jose ${versionOf('jose')} in a hook` },
  'jose-lru': { label: `jose + lru-cache ${versionOf('lru-cache')}` },
  'fastify-jwt-jwks': {
    label: `fastify-jwt-jwks ${versionOf('fastify-jwt-jwks')}`,
    algorithms: ['RS256', 'EdDSA'],
  },
  'fastify-jwt-get-jwks': {
    label: `@fastify/jwt ${versionOf('@fastify/jwt')} + get-jwks ${versionOf('get-jwks')}`,
    algorithms: ['RS256', 'ES256', 'PS256'],
    // The errors of get-jwks have no status.
    rejectionStatuses: { 'foreign-issuer': 500, 'wrong-algorithm': 500, 'unknown-kid': 500 },
  },
  'aws-jwt-verify': {
    label: `aws-jwt-verify ${versionOf('aws-jwt-verify')}`,
    algorithms: ['RS256', 'ES256', 'EdDSA'],
  },
  'okta-jwt-verifier': {
    label: `@okta/jwt-verifier ${versionOf('@okta/jwt-verifier')}`,
    algorithms: ['RS256'],
  },
  'express-open': { label: `Express ${versionOf('express')}, open route` },
  'express-oauth2-jwt-bearer': {
    label: `express-oauth2-jwt-bearer ${versionOf('express-oauth2-jwt-bearer')}`,
    baseline: 'express-open',
  },
}

export const peers = Object.fromEntries(
  Object.entries(PEERS).map(([name, peer]) => [
    name,
    { algorithms: ALL, baseline: 'open', rejectionStatuses: {}, ...peer },
  ]),
)

/**
 * The cases by name. A hostile case has the status 401. `primes` is a list whose tokens the client
 * sends before the measurement.
 */
export const cases = Object.fromEntries(
  [
    ['known-1000', { algorithm: 'RS256', primes: 'known', turn: 1_000 }],
    [
      'known-20000',
      { algorithm: 'RS256', primes: 'known-20000', measuresMemory: true, turn: 1_000 },
    ],
    ...ALL.map((algorithm) => [`new-${algorithm}`, { algorithm, turn: 500 }]),
    ...[...Object.keys(HOSTILE), 'expired'].map((name) => [
      name,
      { algorithm: 'RS256', status: 401, turn: 250 },
    ]),
  ].map(([name, { algorithm, ...settings }]) => [
    name,
    {
      title: name,
      file: 'peers',
      server: 'ours',
      limits: [],
      beside: Object.keys(peers).filter(
        (peer) => peer !== 'ours' && peers[peer].algorithms.includes(algorithm),
      ),
      requests: name,
      statuses: statusesOf(name),
      openRoutes: mapValues(peers, ({ baseline }) => baseline),
      ...settings,
    },
  ]),
)

function statusesOf(name) {
  return Object.fromEntries(
    Object.entries(peers).flatMap(([peer, { rejectionStatuses }]) =>
      Object.hasOwn(rejectionStatuses, name) ? [[peer, rejectionStatuses[name]]] : [],
    ),
  )
}

/** @throws if the repository and this folder, which the peers use, have different versions. */
export function requireSameVersion(name) {
  const [benchVersion, rootVersion] = ['node_modules', '../node_modules'].map(
    (folder) => manifest(`./${folder}/${name}/package.json`).version,
  )
  if (benchVersion === rootVersion) return
  throw new Error(
    `${name} is ${benchVersion} in bench and ${rootVersion} in the repository: reinstall both`,
  )
}

function versionOf(name) {
  if (name === 'fastify-resource-server') return manifest('../package.json').version
  const folder = name === 'fastify' ? '../node_modules' : './node_modules'
  return manifest(`${folder}/${name}/package.json`).version
}

function manifest(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
}
