/** The answer to why a token is refused: each step, and the verdict of the pipeline itself. */

import { bearerToken } from '../../credentials/bearer.js'
import { MissingCredentialsError, ResourceServerError } from '../../errors/errors.js'
import { compilePolicy, type Requirement } from '../../policy/requirement.js'
import { assemble } from '../../server/assembly.js'
import { type ResourceServerOptions, resolveOptions } from '../../server/options.js'
import { ResourceServer } from '../../server/resource-server.js'
import { type GivenToken, readGivenToken } from './given-token.js'
import { ObservedFetch } from './observed-fetch.js'
import { type Step, stepOf } from './step.js'
import { type Trace, trace } from './trace.js'

export type Conclusion =
  | { readonly accepted: true }
  | {
      readonly accepted: false
      /** Of the answer that a request with this token gets. */
      readonly status: number
      readonly code: string
      readonly message: string
      /** The one that the pipeline ended at. */
      readonly step: Step['name']
    }

export interface Explanation extends Trace {
  /** What the API answers to a request with what was given, as it was given. */
  readonly verdict: Conclusion
  /** What it would answer to the token in it, where it rejects what was given as no credentials. */
  readonly tokenAlone?: Conclusion | undefined
}

/** Answers for one token. Close it afterwards. */
export interface Explainer {
  explain(text: string): Promise<Explanation>
  close(): Promise<void>
}

/** @throws {TypeError} if an option, or the requirement, is wrong. */
export async function createExplainer(
  given: ResourceServerOptions,
  requirement: Requirement,
): Promise<Explainer> {
  const { now = () => Date.now() } = given
  // One moment for all: a token that expires while we look must not do so between two looks.
  let moment = now()
  const observed = new ObservedFetch()
  const jwks = given.jwks ?? { fetch: observed.fetch }
  const options = { ...given, jwks, now: () => moment }
  const { limits, maxTokenLength } = resolveOptions(options)
  const core = await assemble(options)
  compilePolicy(requirement, core.clock)
  return {
    async explain(text) {
      moment = now()
      const seconds = Math.floor(moment / 1000)
      const token = readGivenToken(text)
      const looked = await trace(token, {
        core,
        limits,
        maxTokenLength,
        observed,
        requirement,
        now: seconds,
      })
      const ofToken = await verdictOn(token.token, new ResourceServer(core), requirement)
      const [credentials, ...rest] = looked.steps
      if (token.token !== '') assertAgreement(rest, ofToken)
      const ofHeader = verdictOnHeader(token)
      assertAgreement([credentials as Step], ofHeader)
      return ofHeader.accepted
        ? { ...looked, verdict: ofToken }
        : { ...looked, verdict: ofHeader, tokenAlone: token.token === '' ? undefined : ofToken }
    },
    close: () => core.issuers.close(),
  }
}

/** Whether the header has a bearer token at all, as the plugin looks for it. */
function verdictOnHeader({ authorization }: GivenToken): Conclusion {
  try {
    const token = bearerToken({ rawHeaders: ['authorization', authorization] })
    return token === undefined ? rejected(new MissingCredentialsError()) : { accepted: true }
  } catch (error) {
    return rejected(error)
  }
}

async function verdictOn(
  raw: string,
  server: ResourceServer,
  requirement: Requirement,
): Promise<Conclusion> {
  try {
    await server.verify(raw, requirement)
    return { accepted: true }
  } catch (error) {
    return rejected(error)
  }
}

/** @throws the error, if it is no rejection. */
function rejected(error: unknown): Conclusion {
  if (!(error instanceof ResourceServerError)) throw error
  const { statusCode: status, code, message, check } = error
  return { accepted: false, status, code, message, step: stepOf(check) }
}

/** @throws {Error} if the steps say something else than the pipeline, which is our mistake. */
export function assertAgreement(steps: readonly Step[], verdict: Conclusion): void {
  const failed = steps.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)
  const agreed = verdict.accepted ? failed.length === 0 : failed.includes(verdict.step)
  if (agreed) return
  const pipeline = verdict.accepted ? 'accepts the token' : `rejects at ${verdict.step}`
  throw new Error(`the pipeline ${pipeline}, the steps fail at: ${failed.join(', ') || 'none'}`)
}
