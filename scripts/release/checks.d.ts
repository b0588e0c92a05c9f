type Manifest = Readonly<Record<string, unknown>>
export const OWNER_FIELDS: readonly string[]
export function manifestProblems(manifest: Manifest): string[]
export function contentProblems(manifest: Manifest, paths: readonly string[]): string[]
export function textProblems(
  files: ReadonlyMap<string, string>,
  machine: { folders: readonly string[]; hosts: readonly string[] },
): string[]
export function readmeProblems(
  manifest: Manifest,
  readme: string,
  tracked: readonly string[],
): string[]
export function changelogProblems(manifest: Manifest, changelog: string): string[]
export function treeProblems(status: string): string[]
