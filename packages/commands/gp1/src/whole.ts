import { statSync } from 'node:fs'
import { type FitsFile, openFits } from '@nightpipe/fits'

/** What a file looked like. */
interface Look {
  size: number
  mtimeMs: number
  /** since when it has not changed, by our clock */
  since: number
}

export interface Patience {
  settleSeconds: number
  patienceSeconds: number
}

export type Verdict =
  | { state: 'growing' }
  /** as long as its headers say, and still */
  | { state: 'whole'; size: number; mtimeMs: number }
  /** still, and not as long as its headers say: it may yet change */
  | { state: 'damaged'; reason: string; size: number; mtimeMs: number }

/** Tells files that are whole from those still being written: the size must be still, and what the FITS headers say. */
export function wholenessWatch({ settleSeconds, patienceSeconds }: Patience) {
  const looks = new Map<string, Look>()
  return {
    forget: (path: string) => looks.delete(path),
    /** Files that were seen and are not whole yet. */
    waiting: () => looks.size,
    look(path: string, now: number): Verdict {
      const found = statSync(path, { throwIfNoEntry: false })
      if (!found) {
        looks.delete(path)
        return { state: 'growing' } // renamed or removed
      }
      const { size, mtimeMs } = found
      const before = looks.get(path)
      if (!before || before.size !== size || before.mtimeMs !== mtimeMs) {
        looks.set(path, { size, mtimeMs, since: now })
        if (settleSeconds > 0) return { state: 'growing' }
      }
      const still = (now - looks.get(path)!.since) / 1000
      if (still < settleSeconds) return { state: 'growing' }
      const reason = incompleteness(path)
      if (reason === undefined) {
        looks.delete(path)
        return { state: 'whole', size, mtimeMs }
      }
      return still < patienceSeconds ? { state: 'growing' } : { state: 'damaged', reason, size, mtimeMs }
    },
  }
}

/** Why a file is not a whole FITS file; undefined when it is. A gzip is inflated to its end for this. */
export function incompleteness(path: string): string | undefined {
  let file: FitsFile | undefined
  try {
    file = openFits(path)
    // The standard fills the last block; a writer that has not done so yet is not finished.
    const last = file.hdus.at(-1)
    return last === undefined ? 'no header' : undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    file?.close()
  }
}
