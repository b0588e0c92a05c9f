/** Reads a heap snapshot of V8: its size, and the size of each kind of object. */
import { readFile } from 'node:fs/promises'

/** @returns `size` in bytes, and `kinds`: from the name of each kind of object to its bytes. */
export async function heapOf(file) {
  const { snapshot, nodes, strings } = JSON.parse(await readFile(file, 'utf8'))
  const { node_fields: fields, node_types: types } = snapshot.meta
  const at = (field) => fields.indexOf(field)
  const [type, name, selfSize] = [at('type'), at('name'), at('self_size')]
  const kinds = new Map()
  let size = 0
  for (let node = 0; node < nodes.length; node += fields.length) {
    const bytes = nodes[node + selfSize]
    const kind = types[type][nodes[node + type]]
    // The name of a string node is its content, so all strings are counted as one kind.
    const key = kind === 'object' ? strings[nodes[node + name]] : `(${kind})`
    kinds.set(key, (kinds.get(key) ?? 0) + bytes)
    size += bytes
  }
  return { size, kinds }
}

/** The kinds that grew most: `[name, bytes]`. */
export function growth({ before, after }) {
  return [...after.kinds]
    .map(([kind, bytes]) => [kind, bytes - (before.kinds.get(kind) ?? 0)])
    .filter(([, grown]) => grown > 0)
    .sort(([, one], [, other]) => other - one)
}
