import { writeSync } from 'node:fs'
import { systemCode } from '@nightpipe/files'

/** Writes all of a text to standard output, at once; a reader that has enough (`| head`) is no error. */
export function print(text: string): void {
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done)
    } catch (error) {
      if (systemCode(error) === 'EPIPE') return
      if (systemCode(error) !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5) // a pipe that is full
    }
  }
}
