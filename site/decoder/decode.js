/** Decodes a token in the page with the code of `npx fastify-resource-server explain`. */
import './node-modules.js'

export { checkCommand } from '../../src/cli/explain/check-command.ts'
export { decodeToken } from '../../src/cli/explain/decoded-token.ts'
export { memberText } from '../../src/cli/explain/member-text.ts'
