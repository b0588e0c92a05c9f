/** The version, out of the package.json that was installed with this file. */
import { readFileSync } from 'node:fs'

export function version(): string {
  // As far up from src/cli as from dist/cli.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return JSON.parse(text).version
}
