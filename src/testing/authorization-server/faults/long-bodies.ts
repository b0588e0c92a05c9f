import type { JSONWebKeySet } from 'jose'

const start = Buffer.from('{"padding":"')
const filler = Buffer.alloc(64 * 1024, 'x')

/** A JSON object, given as bytes, with a member before its own that makes it so many bytes long. */
export function* padded(object: Buffer, size: number): Iterable<Buffer> {
  const members = object.subarray(1)
  // An object without members ends at once, and wants no comma.
  const rest = Buffer.concat([Buffer.from(members.length > 1 ? '",' : '"'), members])
  yield start
  for (let left = size - start.length - rest.length; left > 0; left -= filler.length) {
    yield filler.subarray(0, left)
  }
  yield rest
}

/** A JSON object whose first member never ends. */
export function* endless(): Iterable<Buffer> {
  yield start
  while (true) yield filler
}

/**
 * A key set, given as bytes, with so many keys in all, its own ones last. The others are copies of
 * its first, so that each of them fits the algorithm of the tokens.
 */
export function* crowded(keySet: Buffer, size: number): Iterable<Buffer> {
  const { keys } = JSON.parse(keySet.toString()) as JSONWebKeySet
  yield Buffer.from('{"keys":[')
  for (let copy = 1; copy <= size - keys.length; copy += 1) {
    yield Buffer.from(`${JSON.stringify({ ...keys[0], kid: `copy-${copy}` })},`)
  }
  yield Buffer.from(`${JSON.stringify(keys).slice(1)}}`)
}
