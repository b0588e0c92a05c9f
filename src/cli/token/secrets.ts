/**
 * Reads secrets from sources that other users of the machine cannot see: standard input, the
 * environment, or a prompt. Never from an argument, which every process list shows.
 */
import type { Arguments } from '../arguments.js'
import type { ProcessContext } from '../context.js'
import { UsageError } from '../exit-code.js'
import { promptSecret } from '../prompt.js'
import { readStandardInput } from '../standard-input.js'

export interface Secret {
  readonly prompt: string
  readonly variable: string
  readonly stdinFlag: string
}

export const CLIENT_SECRET: Secret = {
  prompt: 'Client secret (nothing for a public client): ',
  variable: 'FRS_CLIENT_SECRET',
  stdinFlag: 'client-secret-stdin',
}

export const PASSWORD: Secret = {
  prompt: 'Password: ',
  variable: 'FRS_PASSWORD',
  stdinFlag: 'password-stdin',
}

/** Returns the error message of a flag that would hold the secret, such as `--password`. */
export function rejectedAsFlag(flag: string, { variable, stdinFlag }: Secret): string {
  return `--${flag} is rejected, because other users of this machine can see arguments. Set ${variable}, pipe the secret in with --${stdinFlag}, or omit it to be prompted`
}

/**
 * Returns the secret from the first of: standard input if the flag is set, the environment, a prompt
 * on a terminal. `undefined` if none has it, and for empty input at the prompt.
 */
export async function readSecret(
  secret: Secret,
  args: Arguments,
  context: ProcessContext,
): Promise<string | undefined> {
  if (args.has(secret.stdinFlag)) {
    const piped = (await readStandardInput(context)).replace(/\r?\n$/, '')
    if (piped === '') throw new UsageError(`--${secret.stdinFlag}: standard input is empty`)
    return piped
  }
  const { env, stdin } = context
  if (env[secret.variable]) return env[secret.variable]
  if (stdin.isTTY !== true) return undefined
  return (await promptSecret(secret.prompt, context)) || undefined
}
