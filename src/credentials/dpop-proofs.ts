/** The proofs of a request (RFC 9449 §4.1): the header `DPoP`, however often it is there. */
import type { RequestHeaders } from './authorization.js'

export function dpopProofs({ rawHeaders }: RequestHeaders): readonly string[] {
  const proofs: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'dpop') proofs.push(rawHeaders[i + 1] as string)
  }
  return proofs
}
