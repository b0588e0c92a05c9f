/**
 * Returns the lines of a plain-text table. Omits rows without content, and a table without rows.
 */
export function table(title, labels, columns, cells) {
  const body = Object.entries(cells).filter(([, row]) => row.some((cell) => cell !== ''))
  if (body.length === 0) return []
  const lines = [['', ...columns], ...body.map(([name, row]) => [labels[name], ...row])]
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  const aligned = lines.map(([first, ...rest]) =>
    [
      first.padEnd(widths[0]),
      ...rest.map((text, column) => text.padStart(widths[column + 1])),
    ].join('  '),
  )
  return [title, '', ...aligned, '']
}
