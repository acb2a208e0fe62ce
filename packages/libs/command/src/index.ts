export { ConfigError, DataError } from '@nightpipe/files'
export { defineCommand, defineConductor } from './define.js'
export {
  type Digest,
  digestOf,
  fileDigest,
  productHeader,
  requireWholeAndDigest,
  watchWholeAndDigest,
} from './digest.js'
export { EXIT_CODES, Exit } from './exit.js'
export { type Description, describe, helpText } from './help.js'
export { main } from './main.js'
export { type ProductWriter, productPath, startProduct, writeProduct, writeProductBehind } from './product.js'
export { isCurrent, type ParentRecord } from './provenance.js'
export { type Provenance, readProvenance, tableMadeBy } from './read-provenance.js'
export { pathInReport, reportTable } from './report.js'
export { executableOf, type Ran, runCommand } from './run-command.js'
export { type Host, hostFlags, openHost } from './run-in-host.js'
export { beforeNextRun, runMemory } from './run-memory.js'
export { serveCalls } from './serve-calls.js'
export { breathe } from './tasks.js'
export type * from './types.js'
export { VERSION } from './version.js'
