import { basename } from 'node:path'
import { readProvenance } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import type { Side } from './side.js'

/** Whether the reference is a product of ours that was made of the frame, as the stack of a night is of its frames. */
export function isPartOf(frame: Pick<Side, 'lookup'>, path: string, reference: string): boolean {
  try {
    const id = frame.lookup('NP_ID')
    const { parents } = readProvenance(reference)
    return parents.some((parent) => (id === undefined ? basename(parent.file) === basename(path) : parent.id === id))
  } catch (error) {
    if (error instanceof DataError) return false // a reference of another tool
    throw error
  }
}
