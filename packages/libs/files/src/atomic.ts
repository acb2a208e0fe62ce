import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { DataError, explainSystemError, systemCode } from './errors.js'
import { uniqueToken } from './process-identity.js'

/** A file in the making, beside its target and on the same disk. Nobody sees it under its name before `commit`. */
export interface AtomicTarget {
  /** where to write: `.<name>.<pid>-<n>-<place>.part` in the folder of the target */
  readonly partial: string
  /** Flushes the partial file to disk and gives it its name. */
  commit(): void
  /** The same without waiting for the disk: the file has its name when the promise is kept. */
  commitBehind(): Promise<void>
  /** Removes the partial file; harmless after `commit`. */
  discard(): void
}

/** Partial files that this thread has open; `discardOpenParts` removes them when a signal ends the run. */
export const openParts = new Set<string>()

function statIfAny(path: string, stat: (path: string) => Stats): Stats | undefined {
  try {
    return stat(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** The file that a write to `path` must replace: a symbolic link stays, what it points to is replaced. */
export function realTarget(path: string): string {
  const absolute = resolve(path)
  try {
    return statIfAny(absolute, lstatSync)?.isSymbolicLink() ? realpathSync(absolute) : absolute
  } catch (error) {
    throw explainSystemError(error, 'write', path)
  }
}

/** Beside `target`: names close to the limit of 255 bytes are cut, the token keeps them apart. */
export function partialName(target: string, token = uniqueToken()): string {
  let name = basename(target)
  while (Buffer.byteLength(name) > 190) name = name.slice(0, -1)
  return join(dirname(target), `.${name}.${token}.part`)
}

export function removeIfAny(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error
  }
}

/** A rename is on disk only when its folder is. Some network file systems refuse to flush a folder: then it is theirs. */
export function flushFolder(path: string): void {
  let folder: number | undefined
  try {
    folder = openSync(path, 'r')
    fsyncSync(folder)
  } catch (error) {
    if (!['EINVAL', 'EPERM', 'EACCES', 'EISDIR', 'ENOTSUP', 'EBADF'].includes(systemCode(error) ?? '')) throw error
  } finally {
    if (folder !== undefined) closeSync(folder)
  }
}

function flushFile(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

async function flushFileBehind(path: string): Promise<void> {
  const { open } = await import('node:fs/promises') // a millisecond, which few commands need
  const file = await open(path, 'r+')
  await file.sync().finally(() => file.close())
}

/**
 * Where to write so that `path` is either what it was or whole, whatever happens in between. The partial file is not
 * created here: open it with 'wx'. A target that exists keeps its permissions.
 */
export function atomicTarget(path: string): AtomicTarget {
  const target = realTarget(path)
  const partial = partialName(target)
  openParts.add(partial)
  const prepare = () => {
    const before = statIfAny(target, statSync)
    if (before && !before.isFile()) throw new DataError(`cannot write ${path}: it is not a plain file`)
    if (before) chmodSync(partial, before.mode & 0o7777)
  }
  const name = () => {
    renameSync(partial, target)
    openParts.delete(partial)
    flushFolder(dirname(target))
  }
  return {
    partial,
    commit() {
      try {
        prepare()
        flushFile(partial)
        name()
      } catch (error) {
        throw explainSystemError(error, 'write', path)
      }
    },
    async commitBehind() {
      try {
        prepare()
        await flushFileBehind(partial)
        name()
      } catch (error) {
        throw explainSystemError(error, 'write', path)
      }
    },
    discard() {
      if (!openParts.delete(partial)) return
      removeIfAny(partial)
    },
  }
}

/** Replaces or creates `path` in one step: after a crash it holds the old bytes or the new ones, never a mixture. */
export function writeAtomically(path: string, data: string | Uint8Array): void {
  const target = atomicTarget(path)
  try {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    const file = openSync(target.partial, 'wx')
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
    } finally {
      closeSync(file)
    }
    target.commit()
  } catch (error) {
    target.discard()
    throw explainSystemError(error, 'write', path)
  }
}
