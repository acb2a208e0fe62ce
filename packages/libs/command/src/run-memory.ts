const memories: (() => void)[] = []

/** Calls `forget` before another run begins in this thread. */
export const beforeNextRun = (forget: () => void): void => void memories.push(forget)

/**
 * What a thread keeps in mind while a command runs. A process may carry out several commands one after the other, and
 * files change between them: each begins without what the one before knew.
 */
export function runMemory<K, V>(): Map<K, V> {
  const memory = new Map<K, V>()
  beforeNextRun(() => memory.clear())
  return memory
}

export function forgetRun(): void {
  for (const forget of memories) forget()
}
