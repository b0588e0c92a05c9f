/** Reads what an encrypted token shows without its key (RFC 7516 §7.1): its header. */
import { decodeCheapObject, isCompactJwe } from '../../token/compact-serialization.js'

export interface EncryptedLayer {
  /** The header of the JWE; empty if it is malformed. */
  readonly header: Readonly<Record<string, unknown>>
}

/** Returns the outer layer of a token; `undefined` if the token has not the five parts of a JWE. */
export function readEncryptedLayer(raw: string): EncryptedLayer | undefined {
  const [header = ''] = raw.split('.', 1)
  return isCompactJwe(raw) ? { header: decodeCheapObject(header) ?? {} } : undefined
}
