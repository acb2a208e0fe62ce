import { fstatSync, writeSync } from 'node:fs'

const DESCRIPTORS = { stdout: 1, stderr: 2 } as const
type Name = keyof typeof DESCRIPTORS

/**
 * Writes to a stream of the process; resolves when the text is on its way. To make the stream takes two milliseconds: that
 * is left to terminals, on which progress moves, and to what a file or a pipe does not take at once.
 */
export function writeOut(name: Name, text: string): Promise<void> {
  const left = heeded.has(name) ? Buffer.from(text) : unwritten(name, Buffer.from(text))
  if (left.length === 0) return Promise.resolve()
  return new Promise((resolve) => streamOf(name).write(left, () => resolve()))
}

/** True where the descriptor is that of a terminal, or of another device. */
export const isDevice = (name: Name): boolean => fstatSync(DESCRIPTORS[name]).isCharacterDevice()

/** Writes what the descriptor takes, and gives the rest. */
function unwritten(name: Name, text: Buffer): Buffer {
  let left = text
  try {
    if (isDevice(name)) return left
    while (left.length > 0) left = left.subarray(writeSync(DESCRIPTORS[name], left))
  } catch {
    // A full pipe that does not wait, or a reader that went away: the stream knows what to do.
  }
  return left
}

const heeded = new Set<Name>()

/** The stream, made when it is first asked for; that its reader went away (`| head -1`) is not our matter. */
function streamOf(name: Name): NodeJS.WriteStream {
  if (!heeded.has(name)) process[name].on('error', () => {})
  heeded.add(name)
  return process[name]
}
