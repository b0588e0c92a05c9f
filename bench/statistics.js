/** Summarizes the values of many rounds. */

/** Returns the median and the lower and upper quartile. */
export function summary(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
  }
}

export function quantile(sorted, fraction) {
  const position = (sorted.length - 1) * fraction
  const [below, above] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]]
  return below + (above - below) * (position - Math.floor(position))
}

/** Returns the list rotated by `by` items, so that each item is first in one round. */
export function rotate(list, by) {
  const start = by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}
