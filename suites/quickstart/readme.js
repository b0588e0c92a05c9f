/** The sections "Install" and "Quick start" of README.md, as what a reader types. */
import { readFile } from 'node:fs/promises'

/** Its blocks: the program, and the lines for a shell in their order. */
export async function startOf(path) {
  const [, section = ''] = (await readFile(path, 'utf8')).split(/^## Install$/m)
  const blocks = [...section.split(/^## Protect routes$/m)[0].matchAll(/^```(\w+)\n(.*?)\n```$/gms)]
  const programs = blocks.filter(([, language]) => language === 'ts').map(([, , code]) => code)
  const shell = blocks.filter(([, language]) => language === 'sh').map(([, , code]) => code)
  if (programs.length !== 1 || shell.length !== 4) {
    throw new Error(
      'README.md, "Install" and "Quick start": one program was expected, and four blocks for a shell',
    )
  }
  const [install, serve, run, use] = shell
  return { program: programs[0], install, serve, run, use }
}

/** The lines that get a token, and each call with the answer that its comment states. */
export function callsOf(use) {
  const lines = use.split('\n')
  const calls = lines.filter((line) => line.startsWith('curl '))
  return {
    token: lines.filter((line) => !line.startsWith('curl ')).join('\n'),
    calls: calls.map((line) => {
      const [, command, status, body = ''] = /^(.*?) +# (\d{3})(?: (.*))?$/.exec(line) ?? []
      if (command === undefined) throw new Error(`no answer is stated: ${line}`)
      return { command, status: Number(status), body }
    }),
  }
}
