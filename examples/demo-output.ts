/** Prints the output of the demo to the terminal. */

const hasColors = process.stdout.isTTY && process.env.NO_COLOR === undefined
const paint = (code: number, text: string) => (hasColors ? `\x1b[${code}m${text}\x1b[0m` : text)

export function print(text = ''): void {
  console.log(text === '' ? '' : `  ${text}`)
}

export function heading(text: string): void {
  print()
  console.log(paint(1, text))
  print()
}

export interface Row {
  readonly asExpected: boolean
  readonly what: string
  readonly request: string
  readonly status: number
  /** The challenge, or the body if the response has no challenge. */
  readonly response: string
}

export function row({ asExpected, what, request, status, response }: Row): void {
  const mark = asExpected ? paint(32, '✔') : paint(31, '✘')
  print(
    `${mark} ${what.padEnd(24)} ${request.padEnd(11)} ${paint(1, String(status))} ${paint(2, response)}`,
  )
}

/** A `fetch` that prints the token request and its response, in the form of Okta's guide. */
export const showExchange: typeof fetch = async (input, init) => {
  const response = await fetch(input, init)
  if (init?.method !== 'POST') return response
  const headers = new Headers(init.headers)
  print(`POST ${new URL(String(input)).pathname}`)
  print(`Authorization: ${headers.get('authorization')?.slice(0, 14)}…`)
  print(`Content-Type: ${headers.get('content-type')}`)
  print()
  const form = [...new URLSearchParams(String(init.body))]
  print(form.map(([name, value]) => `${name}=${name === 'password' ? '…' : value}`).join('&'))
  print()
  const body = (await response.clone().json()) as Record<string, unknown>
  const shown = Object.entries(body).map(([name, value]) => [
    name,
    name.endsWith('_token') ? `${String(value).slice(0, 12)}…` : value,
  ])
  const lines = JSON.stringify(Object.fromEntries(shown), null, 2).split('\n')
  print(`${response.status} ${lines.shift()}`)
  for (const line of lines) print(line)
  return response
}
