/**
 * Checks the settings of this machine that change how Node connects to an issuer: proxies and
 * certificate authorities. Only the names of variables are shown, because their values may contain
 * passwords.
 */
import { access, constants } from 'node:fs/promises'
import type { ProcessContext } from '../context.js'
import type { HealthCheck } from './health-check.js'

type Environment = ProcessContext['env']

/** The properties of the Node process that the checks read. */
export interface NodeProcess {
  /** Whether this version of Node can send requests through the proxy of the environment. */
  readonly supportsEnvProxy: boolean
  readonly execArgv: readonly string[]
}

export const thisProcess: NodeProcess = {
  supportsEnvProxy: process.allowedNodeEnvironmentFlags.has('--use-env-proxy'),
  execArgv: process.execArgv,
}

const PROXY_VARIABLES = [
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'ALL_PROXY',
  'all_proxy',
]
const USE_ENV_PROXY = '--use-env-proxy'

export async function checkEnvironment(
  env: Environment,
  node: NodeProcess = thisProcess,
): Promise<readonly HealthCheck[]> {
  return [checkProxy(env, node), await checkTlsSettings(env)]
}

function checkProxy(env: Environment, { supportsEnvProxy, execArgv }: NodeProcess): HealthCheck {
  const name = 'proxy'
  const set = PROXY_VARIABLES.filter((variable) => env[variable]).join(', ')
  const isUsed =
    supportsEnvProxy &&
    (env.NODE_USE_ENV_PROXY === '1' ||
      [...execArgv, ...(env.NODE_OPTIONS ?? '').split(' ')].includes(USE_ENV_PROXY))
  if (set === '') return { name, outcome: 'passed', found: 'no proxy is set' }
  if (isUsed) {
    return {
      name,
      outcome: 'passed',
      found: `${set}: Node uses the proxy, except for hosts in NO_PROXY`,
    }
  }
  return {
    name,
    outcome: 'warning',
    found: `the fetch of Node ignores ${set}, and connects directly`,
    advice: supportsEnvProxy
      ? 'If the issuer is reachable only through the proxy, start the API with NODE_USE_ENV_PROXY=1. Otherwise, nothing.'
      : 'If the issuer is reachable only through the proxy, pass a fetch that uses it as the option "jwks.fetch", or start the API with NODE_USE_ENV_PROXY=1 on Node 22.21, 24.5 or later. Otherwise, nothing.',
  }
}

async function checkTlsSettings({
  NODE_TLS_REJECT_UNAUTHORIZED: reject,
  NODE_EXTRA_CA_CERTS: authorities,
}: Environment): Promise<HealthCheck> {
  const name = 'TLS settings'
  if (reject === '0') {
    return {
      name,
      outcome: 'failed',
      found: 'NODE_TLS_REJECT_UNAUTHORIZED=0: Node accepts every certificate',
      advice:
        'Remove the variable: an attacker on the network path can forge keys and therefore tokens. For a private certificate authority, set NODE_EXTRA_CA_CERTS instead.',
    }
  }
  if (!authorities) {
    return {
      name,
      outcome: 'passed',
      found: 'certificates are verified with the authorities of Node',
    }
  }
  const isReadable = await access(authorities, constants.R_OK).then(
    () => true,
    () => false,
  )
  return isReadable
    ? { name, outcome: 'passed', found: 'NODE_EXTRA_CA_CERTS names a readable file' }
    : {
        name,
        outcome: 'failed',
        found: 'NODE_EXTRA_CA_CERTS names a file that cannot be read, and Node only warns about it',
        advice:
          'Correct the path in NODE_EXTRA_CA_CERTS, and make the file readable for this user.',
      }
}
