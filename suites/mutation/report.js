/** Reports the results, and stores them for the next run. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const FILE = 'statuses.json'

export function lastStatuses(folder) {
  const file = `${folder}/${FILE}`
  return new Map(existsSync(file) ? Object.entries(JSON.parse(readFileSync(file, 'utf8'))) : [])
}

/** Saves the statuses and keeps those of mutants that this run did not include. */
export function saveStatuses(folder, results) {
  const all = lastStatuses(folder)
  for (const [{ key }, { status }] of results) if (status !== 'open') all.set(key, status)
  writeFileSync(`${folder}/${FILE}`, JSON.stringify(Object.fromEntries(all), null, 1))
}

export function survivorLine(
  { file, line, column, mutator, original, replacement },
  { status },
  why,
) {
  const place = `${file}:${line}:${column}`
  const explanation = why === undefined ? '' : `\n    explained: ${why}`
  return `${place} ${mutator} (${status})\n    - ${original}\n    + ${replacement}${explanation}`
}

/** One row per file and folder. The score counts timeouts as killed and excludes open mutants. */
export function table(mutants, results, explained) {
  const explainedMutants = new Set(explained)
  const rows = new Map()
  for (const mutant of mutants) {
    for (const name of new Set([folderOf(mutant.file), mutant.file, 'all'])) {
      if (!rows.has(name))
        rows.set(name, { mutants: 0, killed: 0, timeout: 0, survived: 0, explained: 0, open: 0 })
      const row = rows.get(name)
      const { status } = results.get(mutant)
      row.mutants++
      row[status === 'unreached' ? 'survived' : status]++
      if (explainedMutants.has(mutant)) row.explained++
    }
  }
  const all = rows.get('all')
  rows.delete('all')
  const head = ['', 'mutants', 'killed', 'timeouts', 'survived', 'explained', 'open', 'score']
  return [head, ...[...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(cells), cells(['all', all])]
    .map(
      ([name, ...figures]) =>
        name.padEnd(52) + figures.map((figure) => figure.padStart(11)).join(''),
    )
    .join('\n')
}

function cells([name, { mutants, killed, timeout, survived, explained, open }]) {
  const score = `${(((killed + timeout) / (mutants - open)) * 100).toFixed(1)} %`
  return [name, ...[mutants, killed, timeout, survived, explained, open].map(String), score]
}

function folderOf(file) {
  return file.split('/').length > 2 ? `${file.split('/').slice(0, 2).join('/')}/` : file
}
