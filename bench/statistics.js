/** Summarizes the values of many turns. */

/** Returns the median and the lower and upper quartile. */
export function summary(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const [median, low, high] = [0.5, 0.25, 0.75].map((fraction) => quantile(sorted, fraction))
  return { median, low, high }
}

/**
 * Returns the summary of all rounds, and the error of the median: half the width of an interval that
 * contains the true median in about 95 of 100 runs (McGill, Tukey and Larsen 1978), or half the
 * range of the medians of the rounds, if that is larger.
 *
 * @param rounds the values of each round.
 */
export function summaryOfRounds(rounds) {
  const values = rounds.flat()
  const all = summary(values)
  const medians = rounds.map((round) => summary(round).median)
  const ofRounds = (Math.max(...medians) - Math.min(...medians)) / 2
  const error = Math.max((1.57 * (all.high - all.low)) / Math.sqrt(values.length), ofRounds)
  return { ...all, error }
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
