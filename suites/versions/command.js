/** Runs a program in a folder, with a given version of Node. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, dirname } from 'node:path'
import process from 'node:process'

/**
 * Its exit code and its output. With `quiet` an exit code other than 0 is an error that holds the
 * end of the output. What npm or a test runner set for itself is not handed on.
 */
export async function run(program, args, { cwd, node = process.execPath, quiet = true }) {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|TAP)/.test(name))
  const env = { ...Object.fromEntries(own) }
  env.PATH = `${dirname(node)}${delimiter}${process.env.PATH}`
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const parts = []
  child.stdout.on('data', (part) => parts.push(part))
  child.stderr.on('data', (part) => parts.push(part))
  const [code] = await once(child, 'close')
  const output = Buffer.concat(parts).toString()
  if (quiet && code !== 0) {
    throw new Error(`${program} ${args.join(' ')} ended with ${code}\n${output.slice(-4000)}`)
  }
  return { code, output }
}
