/** Puts the page of the playground, which the compiler leaves behind, beside what it compiled. */
import { cpSync } from 'node:fs'

const page = 'examples/playground/page'
const root = new URL('../', import.meta.url)
cpSync(new URL(page, root), new URL(`.build/${page}`, root), { recursive: true })
