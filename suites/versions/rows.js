/**
 * The combinations to test: each Node with the locked dependencies, the lowest dependencies on the
 * lowest Node, and the latest dependencies on the newest Node. Rows with other dependencies come last,
 * because they change the copy.
 */
import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const ranges = { ...manifest.peerDependencies, ...manifest.dependencies }

/** The lowest release of each line: `^20.19.2 || ^22.15.1 || >=24.0.2`. */
const lowestNodes = manifest.engines.node.split(' || ').map((range) => range.replace(/^\D+/, ''))
const [lowestNode] = lowestNodes

export const rows = [
  ...[...lowestNodes, '20', '22', '24', '26'].map((node) => ({ name: `node${node}`, node })),
  { name: 'lowest', node: lowestNode, dependencies: mapRanges((range) => range.replace('^', '')) },
  { name: 'latest', node: '26', dependencies: mapRanges((range) => range) },
]

function mapRanges(version) {
  return Object.fromEntries(
    Object.entries(ranges).map(([name, range]) => {
      if (!/^\^\d+\.\d+\.\d+$/.test(range)) throw new Error(`${name}: ${range} is no caret range`)
      return [name, version(range)]
    }),
  )
}
