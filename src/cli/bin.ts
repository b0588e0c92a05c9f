#!/usr/bin/env node
/** Runs the command `fastify-resource-server`, which npm installs from this file. */
import process from 'node:process'
import { main } from './main.js'

const { stdin, stdout, stderr, env } = process
// Without a listener, an "error" event would end the process with a stack trace. The callback
// of a failed write to stdout still receives the error, and the command reports it.
stdout.on('error', () => {})
stderr.on('error', () => {})
// Sets the exit code and does not call process.exit(), which could truncate pending output.
process.exitCode = await main(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  env,
  cwd: process.cwd(),
  signals: process,
})
