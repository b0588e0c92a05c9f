/** Runs the TypeScript compiler, and exits with its status if it fails. */
import { spawnSync } from 'node:child_process'

export function tsc(project) {
  const { status } = spawnSync('npx', ['tsc', '-p', project], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? 1)
}
