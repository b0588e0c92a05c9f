/** Measures the latency and the clock of an issuer while its documents are fetched. */
import { withinDeadline } from '../../http/deadline.js'
import type { Fetch } from '../../http/fetch.js'
import { type FetchJsonOptions, withoutQuery } from '../../http/fetch-json.js'
import { durationOf } from '../explain/time.js'
import type { HealthCheck } from './health-check.js'

/** The default of the option `jwks.maxBytes`, in bytes. */
const MAX_BYTES = 524_288

/** The default of the option `clockTolerance`, in seconds. */
const CLOCK_TOLERANCE = 30

/** `Date` has a resolution of one second, so a smaller difference is not reported. */
const MAX_UNREPORTED_SKEW = 3

/** Latency above which a warning is given, in milliseconds. */
const SLOW_MS = 1_000

/** One response of the issuer. */
export interface TimedResponse {
  readonly url: string
  readonly status: number
  readonly latencyMs: number
  /** Clock of the issuer minus that of this machine, in seconds; NaN if there is no `Date`. */
  readonly skewSeconds: number
}

/** Requests documents of the issuer, and records its responses. */
export class ResponseRecorder {
  readonly responses: TimedResponse[] = []
  readonly #now: () => number
  #requested = ''

  constructor(now: () => number) {
    this.#now = now
  }

  readonly fetch: Fetch = async (url, init) => {
    this.#requested = withoutQuery(url)
    const start = this.#now()
    const response = await globalThis.fetch(url, init)
    const end = this.#now()
    this.responses.push({
      url: this.#requested,
      status: response.status,
      latencyMs: end - start,
      skewSeconds: skewOf(response.headers, (start + end) / 2000),
    })
    return response
  }

  /** Calls `work`, which fetches with the signal, within one deadline. */
  within<T>(timeout: number, work: (exchange: FetchJsonOptions) => Promise<T>): Promise<T> {
    const { fetch } = this
    return withinDeadline((signal) => work({ fetch, signal, maxBytes: MAX_BYTES }), {
      timeout,
      waitingFor: () => this.#requested,
    })
  }
}

/** A cached response has the `Date` of its creation, and the time since then in `Age`. */
function skewOf(headers: Headers, nowSeconds: number): number {
  const date = Date.parse(headers.get('date') ?? '')
  const [age = 0] = /^\d{1,10}$/.exec(headers.get('age') ?? '') ?? []
  return Math.round(date / 1000 + Number(age) - nowSeconds)
}

export function checkTiming(responses: readonly TimedResponse[]): readonly HealthCheck[] {
  if (responses.length === 0) return []
  const skew = responses.map(({ skewSeconds }) => skewSeconds).find((skew) => !Number.isNaN(skew))
  const slowest = Math.round(Math.max(...responses.map(({ latencyMs }) => latencyMs)))
  return [
    describeSkew(skew),
    slowest > SLOW_MS
      ? {
          name: 'latency',
          outcome: 'warning',
          found: `the slowest response took ${slowest} ms`,
          advice:
            'Requests wait for the first key set only. Raise "jwks.timeout" if it takes longer than 5 seconds at times.',
        }
      : { name: 'latency', outcome: 'passed', found: `at most ${slowest} ms per response` },
  ]
}

function describeSkew(skew: number | undefined): HealthCheck {
  const name = 'clock'
  if (skew === undefined) {
    return {
      name,
      outcome: 'warning',
      found: 'the issuer sends no "Date" header',
      advice: 'Check that this machine synchronizes its clock (NTP): timedatectl status',
    }
  }
  const size = Math.abs(skew)
  if (size <= MAX_UNREPORTED_SKEW) {
    return { name, outcome: 'passed', found: 'equal to that of the issuer, within 3 seconds' }
  }
  const found = `this machine is ${durationOf(size)} ${skew > 0 ? 'behind' : 'ahead of'} the issuer`
  return size <= CLOCK_TOLERANCE
    ? {
        name,
        outcome: 'warning',
        found: `${found}, within the default "clockTolerance" (${CLOCK_TOLERANCE} s)`,
        advice: 'Synchronize the clock of this machine (NTP).',
      }
    : {
        name,
        outcome: 'failed',
        found: `${found}, more than the default "clockTolerance" (${CLOCK_TOLERANCE} s)`,
        advice:
          'Synchronize the clock of this machine (NTP). If the clock of the issuer is wrong, raise "clockTolerance" to at most 300 s meanwhile.',
      }
}
