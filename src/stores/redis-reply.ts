/**
 * Parses replies of Redis. An unexpected reply is an error, never an empty result: an instance that
 * missed a revocation would accept a revoked token.
 */

export function requireValue(value: unknown): string | null {
  if (typeof value === 'string' || value === null) return value
  throw unexpectedReply()
}

export function requireValues(reply: unknown, count: number): readonly (string | null)[] {
  if (!Array.isArray(reply) || reply.length !== count) throw unexpectedReply()
  return reply.map(requireValue)
}

/** Parses a reply to `SCAN`. */
export function requireKeys(reply: unknown): readonly [cursor: string, keys: readonly string[]] {
  const [next, keys]: unknown[] = Array.isArray(reply) ? reply : []
  const isCursor = typeof next === 'string' || typeof next === 'number'
  if (isCursor && Array.isArray(keys) && keys.every((key) => typeof key === 'string')) {
    return [`${next}`, keys]
  }
  throw unexpectedReply()
}

/** Entry of a stream, with one field. */
export interface StreamEntry {
  readonly id: string
  readonly name: string
  readonly value: string
}

/** Parses a reply to `XRANGE` or `XREVRANGE`. */
export function requireEntries(reply: unknown): readonly StreamEntry[] {
  if (!Array.isArray(reply)) throw unexpectedReply()
  return reply.map((entry: unknown) => {
    const [id, fields]: unknown[] = Array.isArray(entry) ? entry : []
    const [name, value]: unknown[] = Array.isArray(fields) ? fields : []
    if (typeof id === 'string' && typeof name === 'string' && typeof value === 'string') {
      return { id, name, value }
    }
    throw unexpectedReply()
  })
}

export function requireParts(reply: unknown, count: number): readonly unknown[] {
  if (Array.isArray(reply) && reply.length === count) return reply
  throw unexpectedReply()
}

export function requireText(value: unknown): string {
  if (typeof value === 'string') return value
  throw unexpectedReply()
}

export function unexpectedReply(): Error {
  return new Error('Unexpected reply from Redis: its client must return strings, not buffers')
}
