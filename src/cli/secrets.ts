/**
 * Reads secrets from sources that other users of the machine cannot see: standard input, the
 * environment, or a prompt. A secret is never read from an argument, because process lists show
 * the arguments of all users' commands.
 */
import type { Arguments } from './arguments.js'
import type { ProcessContext } from './context.js'
import { UsageError } from './exit-code.js'
import { promptSecret } from './prompt.js'
import { readStandardInput } from './standard-input.js'

export interface Secret {
  readonly prompt: string
  readonly variable: string
  readonly stdinFlag: string
}

export const CLIENT_SECRET: Secret = {
  prompt: 'Client secret (leave empty for a public client): ',
  variable: 'FRS_CLIENT_SECRET',
  stdinFlag: 'client-secret-stdin',
}

export const PASSWORD: Secret = {
  prompt: 'Password: ',
  variable: 'FRS_PASSWORD',
  stdinFlag: 'password-stdin',
}

export const ACCESS_TOKEN: Secret = {
  prompt: 'Access token for the transmitter: ',
  variable: 'FRS_ACCESS_TOKEN',
  stdinFlag: 'access-token-stdin',
}

export const PUSH_AUTHORIZATION: Secret = {
  prompt: 'Authorization header of pushed events: ',
  variable: 'FRS_PUSH_AUTHORIZATION',
  stdinFlag: 'push-authorization-stdin',
}

/** Returns the error message for a flag whose value would be the secret, such as `--password`. */
export function rejectedAsFlag(flag: string, { variable, stdinFlag }: Secret): string {
  return `--${flag} is rejected, because other users of this machine can see arguments. Set ${variable}, pipe the secret in with --${stdinFlag}, or omit it to be prompted`
}

/**
 * Returns the secret from the first available source: standard input if the flag is set, the
 * environment variable, or a prompt on a terminal. Returns `undefined` if there is no source, or if
 * the input at the prompt is empty.
 *
 * @throws {UsageError} if the flag is set and standard input is empty or too large.
 * @throws {CommandError} if the user cancels the prompt.
 */
export async function readSecret(
  secret: Secret,
  args: Arguments,
  context: ProcessContext,
): Promise<string | undefined> {
  if (args.has(secret.stdinFlag)) {
    const piped = (await readStandardInput(context)).replace(/\r?\n$/, '')
    if (piped === '')
      throw new UsageError(
        `--${secret.stdinFlag} is set, but standard input is empty: pipe the secret in`,
      )
    return piped
  }
  const { env, stdin } = context
  if (env[secret.variable]) return env[secret.variable]
  if (stdin.isTTY !== true) return undefined
  return (await promptSecret(secret.prompt, context)) || undefined
}
