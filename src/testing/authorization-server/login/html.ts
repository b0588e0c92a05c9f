/** Text that is valid HTML. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = string | Html | readonly Html[] | undefined

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * A template tag that escapes every string, also for attribute values in quotation marks.
 * `undefined` becomes nothing.
 */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  const text = values.map((value, i) => `${textOf(value)}${strings[i + 1]}`).join('')
  return new Html(`${strings[0]}${text}`)
}

function textOf(value: Value): string {
  if (value === undefined) return ''
  if (value instanceof Html) return value.text
  if (typeof value !== 'string') return value.map(({ text }) => text).join('\n')
  return value.replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
}
