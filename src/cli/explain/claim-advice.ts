/** Advises on a claim of the wrong type. */
import type { RejectionReason } from '../../errors/rejection-reason.js'
import { withArticle } from '../json-type-name.js'

/**
 * Returns the advice; `undefined` if the reason does not name a claim that the token has, such as
 * `"exp": a finite number`, and its JSON type.
 */
export function malformedClaimAdvice({ expected, found }: RejectionReason): string | undefined {
  const [, name, wanted] = /^(".+"): (.+)$/.exec(`${expected}`) ?? []
  const [, type] = /^"(.+)"$/.exec(`${found}`) ?? []
  if (name === undefined || type === undefined) return undefined
  const [right] = /(?:string|number)$/.exec(`${wanted}`) ?? []
  const written = right === undefined ? 'correct it' : `write it as a JSON ${right}`
  // "exp" is required, so it cannot be omitted.
  const remedy = type === 'null' && name !== '"exp"' ? 'omit a claim without a value' : written
  return `${name} is ${withArticle(type)}, and must be ${wanted}: have the issuer ${remedy}.`
}
