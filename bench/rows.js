/** Defines the rows: the compared servers and their capabilities. */
import { readFileSync } from 'node:fs'

const ALL = ['RS256', 'ES256', 'PS256', 'EdDSA']

/**
 * - `algorithms`: those that the row verifies; other cases exclude the row.
 * - `baseline`: the open route that the cost of a rejection is relative to.
 * - `rejectionStatuses`: by case, the statuses of rejections that are not 401.
 * - `acceptsHostile`: the row accepts hostile tokens by design; the hostile cases exclude it.
 */
const ROWS = {
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
  limit: { label: 'parse + bare verify of Node', acceptsHostile: true },
}

export const rows = Object.entries(ROWS).map(([name, row]) => ({
  name,
  algorithms: ALL,
  baseline: 'open',
  rejectionStatuses: {},
  acceptsHostile: false,
  ...row,
}))

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
