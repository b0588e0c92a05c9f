/**
 * Other packages, each set up as its README describes, and again with all its checks enabled. Each is
 * installed into a temporary folder, so that none is a dependency.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expressOauth2JwtBearer } from './peers/express-oauth2-jwt-bearer.js'
import { fastifyJwtJwks } from './peers/fastify-jwt-jwks.js'
import type { Target } from './target.js'

export interface Peer {
  readonly packages: readonly string[]
  /** Returns its modes; `require` resolves the installed packages. */
  readonly targets: (require: NodeJS.Require) => readonly Target[]
}

const PEERS: Readonly<Record<string, Peer>> = {
  'fastify-jwt-jwks': fastifyJwtJwks,
  'express-oauth2-jwt-bearer': expressOauth2JwtBearer,
}

export async function installPeer(name: string): Promise<readonly Target[]> {
  const peer = Object.hasOwn(PEERS, name) ? PEERS[name] : undefined
  if (peer === undefined) throw new Error(`--peer must be one of ${Object.keys(PEERS).join(', ')}`)
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  const args = ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts']
  await promisify(execFile)('npm', [...args, ...peer.packages], {
    cwd: folder,
    shell: process.platform === 'win32',
  })
  return peer.targets(createRequire(join(folder, 'package.json')))
}
