/** Formats the results as the Markdown table of docs/evidence/versions.md. */

const COLUMNS = ['node', 'fastify', 'jose', 'lru-cache', 'oauth4webapi', 'fastify-plugin']

export function table(results) {
  const head = ['row', ...COLUMNS, 'tests', 'seconds', '']
  const body = results.map(({ row, ran = {}, total, seconds, ok }) => [
    row.name,
    ...COLUMNS.map((name) => ran[name]?.replace('v', '') ?? '–'),
    total ?? '–',
    seconds ?? '–',
    ok ? 'pass' : 'FAIL',
  ])
  return [head, head.map(() => '---'), ...body]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}
