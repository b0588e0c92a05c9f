/** Compares two results: which figures moved beyond the noise of both. */
import { table } from './table.js'
import { spread } from './tables.js'

const FIGURES = {
  cpuRatio: ['CPU, ratio', 2],
  cpuMore: ['CPU, µs more', 1],
  mainThreadRatio: ['main thread, ratio', 2],
  mainThreadMore: ['main thread, µs more', 1],
  throughputRatio: ['throughput, ratio', 2],
}

/**
 * Returns a table of the figures that moved, and the number of the others. Compares figures of
 * paired turns only: absolute ones depend on what else the machine did. A figure moved if the
 * intervals of both medians (`error` in `statistics.js`) do not overlap.
 */
export function comparison(old, now) {
  const figures = ['paths', 'cases'].flatMap((kind) => comparable(kind, old[kind], now[kind]))
  const moved = figures.filter(({ before, after }) => hasMoved(before, after))
  const title =
    `${moved.length} of ${figures.length} figures moved beyond noise since ${old.date} ` +
    `(Node ${old.machine.node.replace('v', '')} then, ${now.machine.node.replace('v', '')} now)`
  if (moved.length === 0) return title
  return table(
    title,
    Object.fromEntries(moved.map(({ key }) => [key, key])),
    ['then', 'now', 'change'],
    Object.fromEntries(
      moved.map(({ key, digits, before, after }) => [
        key,
        [
          spread(before, digits),
          spread(after, digits),
          (after.median - before.median).toFixed(digits),
        ],
      ]),
    ),
  ).join('\n')
}

function comparable(kind, old = {}, now = {}) {
  return Object.keys(now)
    .filter((name) => name in old)
    .flatMap((name) =>
      Object.keys(now[name].against)
        .filter((other) => other in old[name].against)
        .flatMap((other) =>
          Object.entries(FIGURES).flatMap(([figure, [label, digits]]) => {
            const [before, after] = [old, now].map((result) => result[name].against[other][figure])
            if (!Number.isFinite(before?.median) || !Number.isFinite(after?.median)) return []
            const key = `${kind === 'cases' ? 'peers, ' : ''}${name} / ${other}`
            return [{ key: `${key}: ${label}`, label, digits, before, after }]
          }),
        ),
    )
}

function hasMoved(before, after) {
  return Math.abs(after.median - before.median) > before.error + after.error
}
