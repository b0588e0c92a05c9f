import type { JSONWebKeySet } from 'jose'

const START = Buffer.from('{"padding":"')
const FILLER = Buffer.alloc(64 * 1024, 'x')

/** Yields the JSON object with an additional first member that pads it to `size` bytes. */
export function* padObject(object: Buffer, size: number): Iterable<Buffer> {
  const members = object.subarray(1)
  // After the padding member, a comma is needed unless the object is `{}`.
  const rest = Buffer.concat([Buffer.from(members.length > 1 ? '",' : '"'), members])
  yield START
  for (let left = size - START.length - rest.length; left > 0; left -= FILLER.length) {
    yield FILLER.subarray(0, left)
  }
  yield rest
}

/** Yields a JSON object whose first member never ends. */
export function* endlessObject(): Iterable<Buffer> {
  yield START
  while (true) yield FILLER
}

/**
 * Yields a key set of `size` keys. The original keys come last. The other keys are copies of the
 * first original key, each with another `kid`, so that each copy is a valid key.
 */
export function* enlargeKeySet(keySet: Buffer, size: number): Iterable<Buffer> {
  const { keys } = JSON.parse(keySet.toString()) as JSONWebKeySet
  yield Buffer.from('{"keys":[')
  for (let copy = 1; copy <= size - keys.length; copy += 1) {
    yield Buffer.from(`${JSON.stringify({ ...keys[0], kid: `copy-${copy}` })},`)
  }
  yield Buffer.from(`${JSON.stringify(keys).slice(1)}}`)
}
