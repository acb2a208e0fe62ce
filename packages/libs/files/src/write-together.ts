import { closeSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { flushFolder, openParts, partialName, realTarget, removeIfAny } from './atomic.js'
import { explainSystemError } from './errors.js'

/** Up to so many files are flushed one by one; a flush of the whole file system waits for what others have written, too. */
const ONE_BY_ONE = 16

/**
 * Writes many small files so that each is, after a crash, what it was or whole; all are on disk when the promise is kept. A
 * slow disk is waited for once or twice, not once for each file. The caller sees to it that nobody else writes them.
 */
export async function writeTogether(files: readonly { path: string; data: string | Uint8Array }[]): Promise<void> {
  const parts: { target: string; partial: string }[] = []
  try {
    for (const { path, data } of files) {
      const target = realTarget(path)
      const partial = partialName(target)
      openParts.add(partial)
      parts.push({ target, partial })
      writeWhole(partial, typeof data === 'string' ? Buffer.from(data) : data)
    }
    await flushAll(parts.map(({ partial }) => partial))
    for (const { target, partial } of parts) {
      renameSync(partial, target)
      openParts.delete(partial)
    }
    for (const folder of new Set(parts.map(({ target }) => dirname(target)))) flushFolder(folder)
  } catch (error) {
    for (const { partial } of parts) if (openParts.delete(partial)) removeIfAny(partial)
    throw explainSystemError(error, 'write', files[0]?.path ?? '')
  }
}

/** Sees to it that what was written to these files is on disk. */
export async function flushTogether(paths: readonly string[]): Promise<void> {
  try {
    await flushAll(paths)
  } catch (error) {
    throw explainSystemError(error, 'write', paths[0] ?? '')
  }
}

function writeWhole(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx')
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
  } finally {
    closeSync(file)
  }
}

async function flushAll(paths: readonly string[]): Promise<void> {
  if (paths.length > ONE_BY_ONE && (await flushFileSystem(dirname(paths[0]!)))) return
  const { open } = await import('node:fs/promises')
  await Promise.all(
    paths.map(async (path) => {
      const file = await open(path, 'r+')
      await file.sync().finally(() => file.close())
    }),
  )
}

/** Node has no call for it; `sync -f` of GNU and of BusyBox does. False where there is none. */
async function flushFileSystem(folder: string): Promise<boolean> {
  const { execFile } = await import('node:child_process')
  return new Promise((resolve) => {
    execFile('sync', ['-f', folder], (error) => resolve(error === null))
  })
}
