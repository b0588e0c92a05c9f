/**
 * Records the result of each step. Once a step has failed, further results of that step are
 * ignored.
 */
import { ResourceServerError } from '../../errors/resource-server-error.js'
import { type StepResult, unwrap } from '../../errors/result.js'
import { NEEDS, STEPS, type Step, type StepName, stepOf } from './step.js'

/** Returns the advice for a rejection. */
type Adviser = (error: ResourceServerError) => string

export class Checklist {
  readonly #steps = new Map<StepName, Step>()
  readonly #advise: Adviser

  constructor(advise: Adviser) {
    this.#advise = advise
  }

  /**
   * Calls `work`, records the result of the step, and returns an object whose member `result` is
   * the result of `work`. Returns `undefined` if `work` rejects the token. If the rejection belongs
   * to another step, the other step is recorded as failed and this step as passed.
   *
   * @param seen returns the text to show if the step passes.
   * @throws the error of `work` if the error is not a rejection.
   */
  async try<T>(
    name: StepName,
    work: () => StepResult<T>,
    seen: () => string,
  ): Promise<{ readonly result: T } | undefined> {
    try {
      const result = unwrap(await work())
      this.pass(name, seen())
      return { result }
    } catch (error) {
      if (!(error instanceof ResourceServerError)) throw error
      if (stepOf(error.check) !== name) this.pass(name, seen())
      this.#fail(error)
      return undefined
    }
  }

  pass(name: StepName, found: string): void {
    this.#add({ name, outcome: 'passed', found })
  }

  #add(step: Step): void {
    if (this.#steps.get(step.name)?.outcome !== 'failed') this.#steps.set(step.name, step)
  }

  #fail(error: ResourceServerError): void {
    const { expected, found } = error.reason
    this.#add({
      name: stepOf(error.check),
      outcome: 'failed',
      message: error.message,
      expected,
      found,
      advice: this.#advise(error),
    })
  }

  steps(): readonly Step[] {
    return STEPS.map((name) => this.#steps.get(name) ?? this.#notReached(name))
  }

  #notReached(name: StepName): Step {
    const failed = NEEDS[name].find((need) => this.#steps.get(need)?.outcome === 'failed')
    return { name, outcome: 'not reached', waitsFor: failed as StepName }
  }
}
