/** The options of ../typedoc.json, and those of the Markdown from which the site makes its pages. */
export default {
  extends: ['../typedoc.json'],
  plugin: ['./node_modules/typedoc-plugin-markdown/dist/index.js'],
  readme: 'none',
  disableSources: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  parametersFormat: 'table',
  // The modules are named by their folders of src.
  pageTitleTemplates: {
    index: 'API reference',
    module: ({ name }) => entryPoint(name),
    member: ({ name }) => name,
  },
}

/** Returns the name by which applications import a module. */
function entryPoint(name) {
  return name === 'index' ? 'fastify-resource-server' : `fastify-resource-server/${name}`
}
