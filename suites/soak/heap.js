/** Reads a heap snapshot of V8: the total size, and the size by constructor name or node type. */
import { readFile } from 'node:fs/promises'

/** Returns the total `size` in bytes, and `sizes`: bytes by constructor name or node type. */
export async function heapOf(file) {
  const { snapshot, nodes, strings } = JSON.parse(await readFile(file, 'utf8'))
  const { node_fields: fields, node_types: types } = snapshot.meta
  const at = (field) => fields.indexOf(field)
  const [type, name, selfSize] = [at('type'), at('name'), at('self_size')]
  const sizes = new Map()
  let size = 0
  for (let node = 0; node < nodes.length; node += fields.length) {
    const bytes = nodes[node + selfSize]
    const nodeType = types[type][nodes[node + type]]
    // The name of a string node is its content, so all strings share one entry.
    const key = nodeType === 'object' ? strings[nodes[node + name]] : `(${nodeType})`
    sizes.set(key, (sizes.get(key) ?? 0) + bytes)
    size += bytes
  }
  return { size, sizes }
}

/** Returns `[name, bytes]` of everything that grew, largest growth first. */
export function growth({ before, after }) {
  return [...after.sizes]
    .map(([name, bytes]) => [name, bytes - (before.sizes.get(name) ?? 0)])
    .filter(([, grown]) => grown > 0)
    .sort(([, a], [, b]) => b - a)
}
