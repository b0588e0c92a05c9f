/** Reads the commands and the program of the sections "Install" and "Quick start" of README.md. */
import { readFile } from 'node:fs/promises'

/** Returns the program and the shell commands, in the order of the page. */
export async function readQuickStart(path) {
  const [, section = ''] = (await readFile(path, 'utf8')).split(/^## Install$/m)
  const blocks = [...section.split(/^## Protect routes$/m)[0].matchAll(/^```(\w+)\n(.*?)\n```$/gms)]
  const programs = blocks.filter(([, language]) => language === 'ts').map(([, , code]) => code)
  const shell = blocks.filter(([, language]) => language === 'sh').map(([, , code]) => code)
  if (programs.length !== 1 || shell.length !== 4) {
    throw new Error(
      `README.md, "Install" and "Quick start": found ${programs.length} programs and ${shell.length} shell blocks instead of 1 and 4`,
    )
  }
  const [install, serve, run, request] = shell
  return { program: programs[0], install, serve, run, request }
}

/** Returns the command that gets a token, and each call with the response that its comment states. */
export function callsOf(request) {
  const lines = request.split('\n')
  const calls = lines.filter((line) => line.startsWith('curl '))
  return {
    token: lines.filter((line) => !line.startsWith('curl ')).join('\n'),
    calls: calls.map((line) => {
      const [, command, status, body = ''] = /^(.*?) +# (\d{3})(?: (.*))?$/.exec(line) ?? []
      if (command === undefined)
        throw new Error(`README.md states no response in a comment of "${line}"`)
      return { command, status: Number(status), body }
    }),
  }
}
