/** Renders an explanation and a decoded token as text and as JSON. */
import type { Colors } from '../colors.js'
import { printable } from '../printable.js'
import { wrap } from '../wrap.js'
import { checkCommand } from './check-command.js'
import type { DecodedToken } from './decoded-token.js'
import type { Explanation } from './explanation.js'
import { memberText, timesIn } from './member-text.js'
import type { RequestResult } from './request-result.js'
import { STEPS, type Step, type StepName } from './step.js'
import { withDates } from './time.js'

const NAME_WIDTH = Math.max(...STEPS.map((name) => name.length))
const TIME_STEPS: readonly StepName[] = ['expiry', 'not-before', 'issued-at', 'age']
const INDENT = 4 + NAME_WIDTH + 2
const LABEL_WIDTH = 10

/** How text is written: its colors, and the width of the terminal, if the output is one. */
export interface Style extends Colors {
  readonly width: number | undefined
}

export function renderText(explanation: Explanation, style: Style): string {
  const { steps, jws, layer, result, tokenAlone } = explanation
  const lines = steps.flatMap((step) => linesOf(step, style))
  const isGenuine = steps.some(({ name, outcome }) => name === 'signature' && outcome === 'passed')
  const contents =
    jws === undefined
      ? []
      : [
          ...members('header', headerOf(jws), style),
          ...members(isGenuine ? 'claims' : 'claims (not verified)', jws.claims, style),
        ]
  return [
    '',
    ...lines,
    '',
    `  ${sentence(result, style, 2)}`,
    ...(tokenAlone === undefined ? [] : [`${ALONE}${sentence(tokenAlone, style, ALONE.length)}`]),
    ...(result.accepted ? [`  ${style.dim(wrap(IF_REJECTED, style.width, 2))}`] : []),
    ...outerHeader(layer, style),
    ...contents,
    '',
  ].join('\n')
}

const IF_REJECTED =
  'If your API rejects it: "check" in the log line of the request names the failed check. Pass the options of the API and the requirement of the route as flags (explain --help). Revocation, introspection, "extractToken" and proofs of possession are not checked here.'

const ALONE = '  the token alone: '

/**
 * Returns the object that `--json` prints. It contains neither the token's signature nor the JWT in
 * an encrypted token.
 */
export function renderJson({ result, tokenAlone, steps, jws, layer }: Explanation): object {
  return {
    result,
    ...(tokenAlone && { tokenAlone }),
    steps,
    ...(layer && { encryptedTokenHeader: layer.header }),
    ...(jws && { header: headerOf(jws), claims: jws.claims, times: timesIn(jws.claims) }),
  }
}

/** Renders a token that is only decoded, with the command that checks it. */
export function renderDecodedText(decoded: DecodedToken, style: Style): string {
  const { bold, dim } = style
  const { rejection, remarks, layer, header, claims } = decoded
  const verdict =
    rejection === undefined
      ? wrap(
          'not checked: without --issuer and --audience, explain only decodes the token',
          style.width,
          2,
        )
      : sentence(rejection, style, 2)
  return [
    '',
    `  ${verdict}`,
    ...outerHeader(layer, style),
    ...(header === undefined ? [] : members('header', header, style)),
    ...(claims === undefined ? [] : members('claims (not verified)', claims, style)),
    '',
    `  ${bold('remarks')}`,
    ...remarks.map(
      ({ about, text }) =>
        `    ${dim(about.padEnd(NAME_WIDTH))}  ${wrap(printable(text), style.width, INDENT + 2)}`,
    ),
    '',
    `  ${bold('check the token, with the options of your API')}`,
    `    ${checkCommand(decoded)}`,
    '',
    '',
  ].join('\n')
}

/** Returns the object that `--json` prints for a token that is only decoded. */
export function renderDecodedJson(decoded: DecodedToken): object {
  const { given, rejection, layer, header, claims, remarks } = decoded
  return {
    result: rejection ?? null,
    removed: given.removed,
    ...(layer && { encryptedTokenHeader: layer.header }),
    ...(header && { header }),
    ...(claims && { claims, times: timesIn(claims) }),
    remarks,
  }
}

function linesOf(step: Step, style: Style): readonly string[] {
  const { red, green, dim, bold, width } = style
  const name = step.name.padEnd(NAME_WIDTH)
  if (step.outcome === 'passed') {
    return [`  ${green('✔')} ${name}  ${dim(wrap(printable(step.found), width, INDENT))}`]
  }
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
    `  ${red('✘')} ${bold(name)}  ${wrap(step.message, width, INDENT)}`,
    ...details
      .filter(([, text]) => text !== undefined)
      .map(([label, text]) => {
        const wrapped = wrap(printable(text as string), width, INDENT + LABEL_WIDTH)
        return `${' '.repeat(INDENT)}${dim(label.padEnd(LABEL_WIDTH))}${wrapped}`
      }),
  ]
}

/** @param start the column at which the sentence starts. */
function sentence(result: RequestResult, style: Style, start: number): string {
  const { red, green, bold, width } = style
  if (result.accepted) return bold(green('accepted'))
  const { status, code, step, layer, message } = result
  const where = layer === undefined ? `"${step}"` : `"${step}" of the ${layer}`
  const rejected = 'rejected'
  const rest = `at step ${where}: ${status} ${code}, ${message}`
  return `${bold(red(rejected))} ${wrap(rest, width, 4, start + rejected.length + 1)}`
}

function outerHeader(layer: Explanation['layer'], style: Style): readonly string[] {
  return layer === undefined ? [] : members('header of the encrypted token', layer.header, style)
}

function members(
  heading: string,
  object: Readonly<Record<string, unknown>>,
  { bold, width }: Style,
): readonly string[] {
  const rows = Object.entries(object).map(
    ([name, value]) => `    ${wrap(`${printable(name)}  ${memberText(name, value)}`, width, 6, 4)}`,
  )
  return ['', `  ${bold(heading)}`, ...rows]
}

function headerOf({ headerSegment }: NonNullable<Explanation['jws']>): Record<string, unknown> {
  return JSON.parse(Buffer.from(headerSegment, 'base64url').toString())
}
