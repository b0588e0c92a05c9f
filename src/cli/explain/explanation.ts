/** The answer to why a token is refused: each step, and the verdict of the pipeline itself. */
import { assemble } from '../../assembly.js'
import { ResourceServerError } from '../../errors.js'
import {
  type ResourceServerOptions,
  resolveOptions,
} from '../../options/resource-server-options.js'
import { compilePolicy, type Requirement } from '../../policy/requirement.js'
import { ResourceServer } from '../../resource-server.js'
import { type Step, stepOf } from './step.js'
import { type Walked, walk } from './walk.js'

export type Verdict =
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

export interface Explanation extends Walked {
  readonly verdict: Verdict
}

/** Answers for one token. Close it afterwards. */
export interface Explainer {
  explain(raw: string): Promise<Explanation>
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
  const options = { ...given, now: () => moment }
  const { limits, maxTokenLength } = resolveOptions(options)
  const core = await assemble(options)
  compilePolicy(requirement, core.clock)
  return {
    async explain(raw) {
      moment = now()
      const seconds = Math.floor(moment / 1000)
      const looked = await walk(raw, { core, limits, maxTokenLength, requirement, now: seconds })
      const verdict = await verdictOn(raw, new ResourceServer(core), requirement)
      requireAgreement(looked.steps, verdict)
      return { ...looked, verdict }
    },
    close: () => core.issuers.close(),
  }
}

async function verdictOn(
  raw: string,
  server: ResourceServer,
  requirement: Requirement,
): Promise<Verdict> {
  try {
    await server.verify(raw, requirement)
    return { accepted: true }
  } catch (error) {
    if (!(error instanceof ResourceServerError)) throw error
    const { statusCode: status, code, message, check } = error
    return { accepted: false, status, code, message, step: stepOf(check) }
  }
}

/** @throws {Error} if the steps say something else than the pipeline, which is our mistake. */
export function requireAgreement(steps: readonly Step[], verdict: Verdict): void {
  const failed = steps.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)
  const agreed = verdict.accepted ? failed.length === 0 : failed.includes(verdict.step)
  if (agreed) return
  const pipeline = verdict.accepted ? 'accepts the token' : `refuses at ${verdict.step}`
  throw new Error(`the pipeline ${pipeline}, the steps fail at: ${failed.join(', ') || 'none'}`)
}
