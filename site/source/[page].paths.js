/** One page for each file and folder of the repository to which the guides link. */
import { statSync } from 'node:fs'
import { extname } from 'node:path'
import { filesOf, linkedSources, read, root, sourcePage } from '../lib/pages.js'

export default {
  paths: () =>
    linkedSources().map((path) => ({
      params: { page: sourcePage(path).slice('source/'.length) },
      content: `# \`${path}\`\n\n${contentOf(path)}`,
    })),
}

function contentOf(path) {
  if (statSync(root + path).isDirectory()) {
    return filesOf(path)
      .map((file) => `- [\`${file}\`](/${sourcePage(file)})`)
      .join('\n')
  }
  const language = extname(path).slice(1)
  return `\`\`\`\`${language}\n${read(path).trimEnd()}\n\`\`\`\``
}
