import type { FitsFile } from './hdu.js'
import { openFits } from './open.js'

/** What `read` makes of a file: one that is open stays so; one that is named is opened for it, and closed. */
export function withFits<T>(source: string | FitsFile, read: (file: FitsFile) => T): T {
  if (typeof source !== 'string') return read(source)
  const file = openFits(source)
  try {
    return read(file)
  } finally {
    file.close()
  }
}
