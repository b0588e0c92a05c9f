import type { JSONWebKeySet } from 'jose'

const start = Buffer.from('{"padding":"')
const filler = Buffer.alloc(64 * 1024, 'x')

/** Yields a JSON object with a leading member that pads the object to `size` bytes. */
export function* padded(object: Buffer, size: number): Iterable<Buffer> {
  const members = object.subarray(1)
  // `{}` has no other members and needs no comma.
  const rest = Buffer.concat([Buffer.from(members.length > 1 ? '",' : '"'), members])
  yield start
  for (let left = size - start.length - rest.length; left > 0; left -= filler.length) {
    yield filler.subarray(0, left)
  }
  yield rest
}

/** Yields a JSON object whose first member never ends. */
export function* endless(): Iterable<Buffer> {
  yield start
  while (true) yield filler
}

/**
 * Yields a key set of `size` keys, the original ones last. The others are copies of the first key,
 * so that each of them fits the algorithm of the tokens.
 */
export function* crowded(keySet: Buffer, size: number): Iterable<Buffer> {
  const { keys } = JSON.parse(keySet.toString()) as JSONWebKeySet
  yield Buffer.from('{"keys":[')
  for (let copy = 1; copy <= size - keys.length; copy += 1) {
    yield Buffer.from(`${JSON.stringify({ ...keys[0], kid: `copy-${copy}` })},`)
  }
  yield Buffer.from(`${JSON.stringify(keys).slice(1)}}`)
}
