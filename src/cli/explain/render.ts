/** Renders an explanation as text and as JSON. */
import type { Colors } from '../colors.js'
import { printable, printableJson } from '../printable.js'
import type { Explanation, RequestResult } from './explanation.js'
import { STEPS, type Step, type StepName } from './step.js'
import { withDates } from './time.js'

const NAME_WIDTH = Math.max(...STEPS.map((name) => name.length))
const TIME_STEPS: readonly StepName[] = ['expiry', 'not-before', 'issued-at', 'age']
/** Claims that hold a NumericDate (RFC 7519 §4.1; OpenID Connect Core §2). */
const TIME_CLAIMS = ['exp', 'nbf', 'iat', 'auth_time']
const INDENT = ' '.repeat(4 + NAME_WIDTH + 2)

export function renderText(explanation: Explanation, colors: Colors): string {
  const { steps, jws, layer, result, tokenAlone } = explanation
  const lines = steps.flatMap((step) => linesOf(step, colors))
  const isGenuine = steps.some(({ name, outcome }) => name === 'signature' && outcome === 'passed')
  const outer =
    layer === undefined ? [] : members('header of the encrypted token', layer.header, colors)
  const contents =
    jws === undefined
      ? []
      : [
          ...members('header', headerOf(jws), colors),
          ...members(isGenuine ? 'claims' : 'claims (not verified)', jws.claims, colors),
        ]
  const alone =
    tokenAlone === undefined ? [] : [`  the token alone: ${sentence(tokenAlone, colors).trim()}`]
  return ['', ...lines, '', sentence(result, colors), ...alone, ...outer, ...contents, ''].join(
    '\n',
  )
}

/** Returns the object that `--json` prints. It contains neither the token's
 * signature nor the JWT in an encrypted token. */
export function renderJson({ result, tokenAlone, steps, jws, layer }: Explanation): object {
  return {
    result,
    ...(tokenAlone && { tokenAlone }),
    steps,
    ...(layer && { encryptedTokenHeader: layer.header }),
    ...(jws && { header: headerOf(jws), claims: jws.claims }),
  }
}

function linesOf(step: Step, { red, green, dim, bold }: Colors): readonly string[] {
  const name = step.name.padEnd(NAME_WIDTH)
  if (step.outcome === 'passed') return [`  ${green('✔')} ${name}  ${dim(printable(step.found))}`]
  if (step.outcome === 'not reached') {
    return [`  ${dim(`– ${name}  not reached: ${step.waitsFor} must pass first`)}`]
  }
  const dated = (text: string | undefined) =>
    TIME_STEPS.includes(step.name) && text !== undefined ? withDates(text) : text
  const details = [
    ['expected', dated(step.expected)],
    ['found', dated(step.found)],
    ['to do', step.advice],
  ] as const
  return [
    `  ${red('✘')} ${bold(name)}  ${step.message}`,
    ...details
      .filter(([, text]) => text !== undefined)
      .map(([label, text]) => `${INDENT}${dim(label.padEnd(8))}  ${printable(text as string)}`),
  ]
}

function sentence(result: RequestResult, { red, green, bold }: Colors): string {
  if (result.accepted) return `  ${bold(green('accepted'))}`
  const { status, code, step, layer, message } = result
  const where = layer === undefined ? `"${step}"` : `"${step}" of the ${layer}`
  return `  ${bold(red('rejected'))} at step ${where}: ${status} ${code}, ${message}`
}

function members(
  heading: string,
  object: Readonly<Record<string, unknown>>,
  { bold }: Colors,
): readonly string[] {
  const rows = Object.entries(object).map(([name, value]) => {
    const json = printableJson(value)
    const text = TIME_CLAIMS.includes(name) && typeof value === 'number' ? withDates(json) : json
    return `    ${printable(name)}  ${text}`
  })
  return ['', `  ${bold(heading)}`, ...rows]
}

function headerOf({ headerSegment }: NonNullable<Explanation['jws']>): Record<string, unknown> {
  return JSON.parse(Buffer.from(headerSegment, 'base64url').toString())
}
