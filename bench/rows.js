/** The rows: what is compared, and what each can do. */
import { readFileSync } from 'node:fs'

const ALL = ['RS256', 'ES256', 'PS256', 'EdDSA']

/**
 * - `algorithms`: those that it verifies; it is left out of the other cases.
 * - `baseline`: the open route that the cost of a refusal is counted from.
 * - `refusals`: the statuses of its refusals, where they aren't 401.
 * - `trusting`: it lets hostile tokens through by design, and has no part in those cases.
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
    // What get-jwks throws has no status.
    refusals: { 'foreign-issuer': 500, 'wrong-algorithm': 500, 'unknown-kid': 500 },
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
  limit: { label: 'parse + bare verify of Node', trusting: true },
}

export const rows = Object.entries(ROWS).map(([name, row]) => ({
  name,
  algorithms: ALL,
  baseline: 'open',
  refusals: {},
  trusting: false,
  ...row,
}))

/** This package uses the jose of the repository, the peers that of this folder. */
export function requireSameVersion(name) {
  const [here, above] = ['node_modules', '../node_modules'].map(
    (folder) => manifest(`./${folder}/${name}/package.json`).version,
  )
  if (here === above) return
  throw new Error(`${name} is ${here} in bench and ${above} above: reinstall both`)
}

function versionOf(name) {
  if (name === 'fastify-resource-server') return manifest('../package.json').version
  const folder = name === 'fastify' ? '../node_modules' : './node_modules'
  return manifest(`${folder}/${name}/package.json`).version
}

function manifest(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
}
