import { basename } from 'node:path'
import { readProvenance } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import { column, numberOf, openFits, readTable, textOf } from '@nightpipe/fits'
import type { Side } from './side.js'

/** What a stack has of one of its frames. */
export interface PartOfStack {
  /** Of a unit of the frame, so much is in the stack. */
  share: number
  /** The frame lies in the stack as it is; else it was aligned first. */
  asItIs: boolean
}

/**
 * What part of the reference the frame is, where that is a product of ours that was made of it, as the stack of a night is
 * of its frames. A frame that was aligned first has the name of the one in the stack, and its exposure is among those.
 */
export function partOf(frame: Pick<Side, 'lookup'>, path: string, reference: string): PartOfStack | undefined {
  try {
    const id = frame.lookup('NP_ID')
    const { parents } = readProvenance(reference)
    const same = parents.find((parent) =>
      id === undefined ? basename(parent.file) === basename(path) : parent.id === id,
    )
    const found =
      same ?? parents.find((parent) => basename(parent.file) === basename(path) && isAmong(frame, reference))
    return (
      found && { share: shareOf(basename(found.file), reference) ?? 1 / parents.length, asItIs: same !== undefined }
    )
  } catch (error) {
    if (error instanceof DataError) return undefined // a reference of another tool
    throw error
  }
}

/** The reference is a stack of this frame alone: less of it nothing would be left. */
export function isAllOf(frame: Pick<Side, 'lookup'>, path: string, reference: string): boolean {
  return partOf(frame, path, reference) !== undefined && readProvenance(reference).parents.length === 1
}

/** Rounding of a time in a header, days. */
const MOMENT = 1e-5

/** The exposure began between the first and the last of the stack. */
function isAmong({ lookup }: Pick<Side, 'lookup'>, reference: string): boolean {
  const begun = Number(lookup('MJD-OBS'))
  const file = openFits(reference)
  try {
    const [first, last] = ['MJDFIRST', 'MJDLAST'].map(
      (keyword) => numberOf(file.hdus[0]!.header, keyword) ?? Number.NaN,
    )
    return begun >= first! - MOMENT && begun <= last! + MOMENT
  } finally {
    file.close()
  }
}

/** From the table of the stack; what a median or a clip makes of it is near the mean. */
function shareOf(name: string, reference: string): number | undefined {
  const file = openFits(reference)
  try {
    const hdu = file.hdus.find((one) => one.name === 'FRAMES')
    if (!hdu) return undefined
    const table = readTable(hdu)
    const files = (column(table, 'FILE')!.values as string[]).map((text) => text.trim())
    const [scale, weight] = ['SCALE', 'WEIGHT'].map((key) => column(table, key)!.values as ArrayLike<number>)
    const weighs = ['clip', 'mean', 'linear'].includes(textOf(file.hdus[0]!.header, 'STACKMET') ?? '')
    const weights = files.map((_, k) => (weighs ? weight![k]! : 1))
    const own = files.indexOf(name)
    return own < 0 ? undefined : (weights[own]! * scale![own]!) / weights.reduce((sum, one) => sum + one, 0)
  } finally {
    file.close()
  }
}
