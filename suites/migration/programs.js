/** Reads the pages of docs/migration: `js` with another library, `ts` with this package. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const PROGRAM = /^<!-- code: (?:peer|serve) -->\n```(js|ts)\n(.*?)\n```$/gms

/** Returns the name of the other library and both programs of each page, by file name. */
export async function readPages(folder) {
  const files = (await readdir(folder)).filter((file) => file !== 'README.md')
  const pages = await Promise.all(
    files.map(async (file) => [
      file.replace('.md', ''),
      programsOf(file, await readFile(join(folder, file), 'utf8')),
    ]),
  )
  return new Map(pages)
}

function programsOf(file, page) {
  const [, name] = /^# Migrate from (.+)$/m.exec(page) ?? []
  const [before, after] = [...page.matchAll(PROGRAM)].map(([, , code]) => code)
  if (name === undefined || after === undefined)
    throw new Error(`docs/migration/${file}: the title or a program before or after is missing`)
  return { name, before, after }
}
