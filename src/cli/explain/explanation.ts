/**
 * Explains tokens: runs the steps one by one, and then the pipeline itself. The result of the
 * pipeline must agree with the results of the steps.
 */

import { compilePolicy, type Requirement } from '../../policy/requirement.js'
import { assemble } from '../../server/assembly.js'
import { type ResourceServerOptions, resolveOptions } from '../../server/options.js'
import { ResourceServer } from '../../server/resource-server.js'
import { readGivenToken } from './given-token.js'
import { ObservedFetch } from './observed-fetch.js'
import { type RequestResult, rejected, resultOfHeader } from './request-result.js'
import type { Step } from './step.js'
import { type Trace, trace } from './trace.js'

export interface Explanation extends Trace {
  /** The result for a request with the unchanged input. */
  readonly result: RequestResult
  /**
   * The result for the extracted token, if an API rejects the unchanged input as credentials.
   * `undefined` if an API accepts the unchanged input as credentials, or if the input contains no
   * token.
   */
  readonly tokenAlone?: RequestResult | undefined
}

/** Explains tokens until it is closed. */
export interface Explainer {
  explain(text: string): Promise<Explanation>
  close(): Promise<void>
}

/** @throws {TypeError} if an option or the requirement is invalid. */
export async function createExplainer(
  given: ResourceServerOptions,
  requirement: Requirement,
): Promise<Explainer> {
  const { now = () => Date.now() } = given
  // All checks use the same time, so that a token cannot expire between two of them.
  let moment = now()
  const observed = new ObservedFetch()
  const jwks = { fetch: observed.fetch, ...given.jwks }
  observed.areKeysGiven = jwks.keys !== undefined
  const options = { ...given, jwks, now: () => moment }
  const { limits, maxTokenLength, decryption } = resolveOptions(options)
  const core = await assemble(options)
  compilePolicy(requirement, core.clock, core.resourceMetadata)
  return {
    async explain(text) {
      moment = now()
      const seconds = Math.floor(moment / 1000)
      const token = readGivenToken(text)
      const traced = await trace(token, {
        core,
        limits,
        maxTokenLength,
        decryption,
        observed,
        requirement,
        now: seconds,
      })
      const ofToken = withLayer(
        await resultOfToken(token.token, new ResourceServer(core), requirement),
        traced,
      )
      const [credentials, ...rest] = traced.steps
      if (token.token !== '') assertAgreement(rest, ofToken)
      const ofHeader = resultOfHeader(token)
      assertAgreement([credentials as Step], ofHeader)
      return ofHeader.accepted
        ? { ...traced, result: ofToken }
        : { ...traced, result: ofHeader, tokenAlone: token.token === '' ? undefined : ofToken }
    },
    close: () => core.issuers.close(),
  }
}

async function resultOfToken(
  raw: string,
  server: ResourceServer,
  requirement: Requirement,
): Promise<RequestResult> {
  try {
    await server.verify(raw, requirement)
    return { accepted: true }
  } catch (error) {
    return rejected(error)
  }
}

function withLayer(result: RequestResult, { layer, isDecrypted }: Trace): RequestResult {
  if (result.accepted || layer === undefined) return result
  return { ...result, layer: isDecrypted ? 'content' : 'encrypted token' }
}

/** @throws {Error} if the steps contradict the pipeline, which would be a bug of this program. */
export function assertAgreement(steps: readonly Step[], result: RequestResult): void {
  const failed = steps.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)
  const agreed = result.accepted ? failed.length === 0 : failed.includes(result.step)
  if (agreed) return
  const pipeline = result.accepted ? 'accepts the token' : `rejects at ${result.step}`
  throw new Error(`the pipeline ${pipeline}, but the steps fail at: ${failed.join(', ') || 'none'}`)
}
