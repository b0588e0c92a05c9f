/** Reads the version from the package.json of this package. */
import { readFileSync } from 'node:fs'

export function version(): string {
  // The relative path is the same from src/cli and dist/cli.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return JSON.parse(text).version
}
