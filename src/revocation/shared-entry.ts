/**
 * A revocation as instances share it: a text that says all, so that it is never changed, only added
 * to the others. Whatever comes late, twice or out of order does no harm.
 */
import type { NamedRevocation } from './revocations.js'

/** Times are rounded down to whole seconds, as those of tokens are. */
export function entryOf({ name, before, lastIssued }: NamedRevocation): string {
  return `${name}.${Math.floor(before)}.${Math.floor(lastIssued)}`
}

const TIME = '(\\d{1,12}|Infinity)'
const ENTRY = new RegExp(`^([\\w-]{43})\\.${TIME}\\.${TIME}$`)

/** @returns `undefined` for what is none. */
export function parseEntry(text: string): NamedRevocation | undefined {
  const [, name, before, lastIssued] = ENTRY.exec(text) ?? []
  if (name === undefined) return undefined
  return { name, before: Number(before), lastIssued: Number(lastIssued) }
}
