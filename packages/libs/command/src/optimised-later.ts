import { setFlagsFromString } from 'node:v8'

/**
 * V8 optimises a function after six times as much of its work as by default: much of what a run calls often is done by then
 * (decisions 99, 175). Node 20 counts work; later ones count calls.
 */
export const laterOptimised = (version: string) =>
  Number.parseInt(version, 10) < 22 ? ['--interrupt-budget=400000'] : []

/** From now on, in all threads. Code that was compiled ahead under other flags is refused: only after all of it is loaded. */
export function optimiseLater(): void {
  for (const flag of laterOptimised(process.versions.node)) setFlagsFromString(flag)
}
