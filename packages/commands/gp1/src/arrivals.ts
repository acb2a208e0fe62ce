import { existsSync, type FSWatcher, readdirSync, watch } from 'node:fs'
import { join, resolve } from 'node:path'
import { FITS_EXTENSIONS, SKIP_FOLDER } from '@nightpipe/files'

/** More folders than this are polled only: the system gives a limited number of watches. */
const MOST_WATCHES = 500
/** Events come in bursts: one look is enough for all of them. */
const BURST_MS = 30

export interface Arrivals {
  /** Looks through the folders and calls `found` for every FITS file below them. */
  scan(found: (path: string) => void): void
  /** Resolves at the next event, after `seconds`, or when `stop` is called. */
  next(seconds: number): Promise<void>
  stop(): void
}

/** Folders in which files appear, by events where the file system tells them and by looking again where it does not. */
export function watchFolders(folders: readonly string[], without: readonly string[]): Arrivals {
  const watchers = new Map<string, FSWatcher>()
  let [happened, stopped] = [false, false]
  /** Ends the wait of this moment. */
  let wake = () => {}
  const event = () => {
    if (!happened) setTimeout(() => wake(), BURST_MS)
    happened = true
  }
  function attend(folder: string): void {
    if (watchers.has(folder) || watchers.size >= MOST_WATCHES) return
    try {
      const watcher = watch(folder, event)
      watchers.set(folder, watcher)
      watcher.on('error', () => {
        watcher.close() // the folder is gone, or the mount: the next look sees what is left
        watchers.delete(folder)
      })
    } catch {
      // No events here: it is polled.
    }
  }
  function walk(folder: string, found: (path: string) => void): void {
    if (without.includes(folder) || existsSync(join(folder, SKIP_FOLDER))) return
    attend(folder)
    for (const entry of entriesOf(folder)) {
      if (entry.name.startsWith('.')) continue
      const path = join(folder, entry.name)
      if (entry.isDirectory()) walk(path, found)
      else if (isFits(entry.name)) found(path)
    }
  }
  return {
    scan(found) {
      happened = false
      for (const folder of folders) walk(resolve(folder), found)
    },
    next: (seconds) =>
      new Promise((go) => {
        if (stopped) return go()
        const timer = setTimeout(go, happened ? BURST_MS : 1000 * seconds)
        wake = () => {
          clearTimeout(timer)
          go()
        }
      }),
    stop() {
      stopped = true
      for (const watcher of watchers.values()) watcher.close()
      wake()
    },
  }
}

const isFits = (name: string) => FITS_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension))

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return [] // not mounted at this moment
  }
}
