// The exports of every kernel: one idea per file, one line per file here.
export { base } from './base'
export * from './bytes'
