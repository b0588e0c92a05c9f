/** Reads the programs of docs/migration.md: `js` with another library, `ts` with this package. */
const PROGRAM = /^<!-- code: (?:peer|serve) -->\n```(js|ts)\n(.*?)\n```$/gms

/** Returns the name and both programs of each section. */
export function sectionsOf(page) {
  return page
    .split(/^## From /m)
    .slice(1)
    .map((section) => {
      const [name] = section.split('\n')
      const [before, after] = [...section.matchAll(PROGRAM)].map(([, , code]) => code)
      if (after === undefined)
        throw new Error(`docs/migration.md, "From ${name}": a program before or after is missing`)
      return { name, before, after }
    })
}
