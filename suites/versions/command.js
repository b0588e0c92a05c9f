/** Runs a program in a folder, with a given version of Node. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, dirname } from 'node:path'
import process from 'node:process'

/**
 * Returns the exit code and the output. Removes the variables that npm, Node or tap set for this process.
 *
 * @throws {Error} with the end of the output, if `quiet` and the exit code is not 0.
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
