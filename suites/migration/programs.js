/** The programs of docs/migration.md: those of the peers, `js`, and what they become, `ts`. */
const PROGRAM = /^<!-- code: (?:peer|serve) -->\n```(js|ts)\n(.*?)\n```$/gms

/** In each section one before and one after. */
export function sectionsOf(page) {
  return page
    .split(/^## From /m)
    .slice(1)
    .map((section) => {
      const [name] = section.split('\n')
      const [before, after] = [...section.matchAll(PROGRAM)].map(([, , code]) => code)
      if (after === undefined) throw new Error(`"${name}" has no two programs`)
      return { name, before, after }
    })
}
