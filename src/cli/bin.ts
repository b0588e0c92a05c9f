#!/usr/bin/env node
/** The command `fastify-resource-server`, as npm installs it. */
import process from 'node:process'
import { main } from './main.js'

const { stdin, stdout, stderr, env } = process
// Whoever reads it may stop early, as `head` does: that is no mistake.
stdout.once('error', () => {})
// Not process.exit(): what was written may still be on its way.
process.exitCode = await main(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  env,
  signals: process,
})
