/** Describes the machine that a result was measured on. */
import { cpus, totalmem } from 'node:os'

export function machine() {
  const all = cpus()
  return {
    cpu: all[0].model.trim(),
    cores: all.length,
    memory: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  }
}
