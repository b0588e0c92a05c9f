/**
 * Generates JSON text that no serializer writes: duplicate members, deep nesting, huge numbers,
 * white space.
 */
import fc from 'fast-check'
import { UNUSUAL_VALUES } from '../../differential/fixtures/json-text.js'
import { anyText } from './text.js'

const blank = fc.constantFrom('', '', '', '', '', ' ', '\n', '\t', '\r\n', ' \n\t ')

/** Few names, so that duplicates occur, and names of prototype members. */
export const memberName = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'iss', 'aud', 'exp', 'cnf', 'alg', 'kid') },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'then', '') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 6 }) },
)

/** Writes a string with or without unicode escapes. */
function spelled(text: string, escaped: boolean): string {
  if (!escaped) return JSON.stringify(text)
  const escapeOf = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return `"${text.split('').map(escapeOf).join('')}"`
}

export const jsonString = fc
  .tuple(
    fc.oneof(
      anyText(12),
      fc.constantFrom(':', '":', '\\":', '{"a":1}', '\\', '"', ',"a":', '\u2028', '\ud800'),
    ),
    fc.boolean(),
  )
  .map(([text, escaped]) => spelled(text, escaped))

const number = fc.oneof(
  fc.integer().map(String),
  fc.double().map((value) => (Number.isFinite(value) ? `${value}` : '1e999')),
  fc.constantFrom('1e400', '-1e400', '1e-400', '-0', '9007199254740993', '1E+2', '0.0'),
  fc.nat(400).map((digits) => `1${'0'.repeat(digits)}`),
)

const nested = fc
  .tuple(fc.constantFrom(['[', ']'], ['{"a":', '}']), fc.oneof(fc.nat(70), fc.nat(5_000)))
  .map(([[open = '', close = ''], depth]) => `${open.repeat(depth)}1${close.repeat(depth)}`)

const atom = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...UNUSUAL_VALUES) },
  { weight: 3, arbitrary: jsonString },
  { weight: 2, arbitrary: number },
  { weight: 1, arbitrary: nested },
)

/** JSON text of any value; some of it is invalid. */
export const { value: jsonValue, object: jsonObject } = fc.letrec<{
  value: string
  list: string
  object: string
}>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: atom },
    { weight: 1, arbitrary: tie('list') },
    { weight: 2, arbitrary: tie('object') },
  ),
  list: fc
    .tuple(fc.array(tie('value'), { maxLength: 4 }), blank)
    .map(([values, gap]) => `[${gap}${values.join(`${gap},`)}${gap}]`),
  object: fc
    .tuple(
      fc.array(fc.tuple(memberName, fc.boolean(), tie('value')), { maxLength: 6 }),
      blank,
      blank,
    )
    .map(([members, gap, before]) => {
      const texts = members.map(
        ([name, escaped, value]) => `${gap}${spelled(name, escaped)}${before}:${gap}${value}`,
      )
      return `{${texts.join(`${before},`)}${gap}}`
    }),
}))
