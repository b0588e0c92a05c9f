#!/usr/bin/env node
/** The command `fastify-resource-server`, as npm installs it. */
import process from 'node:process'
import { main } from './main.js'

const { stdin, stdout, stderr, env } = process
// Each failed write is reported to its caller; without a listener, the event would end the process.
stdout.on('error', () => {})
stderr.on('error', () => {})
// Not process.exit(), which could truncate output that is still being written.
process.exitCode = await main(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  env,
  signals: process,
})
