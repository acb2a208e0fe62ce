import type { InstrumentProfile } from '@nightpipe/config'
import { numberOf } from '@nightpipe/fits'
import { scoped } from '@nightpipe/kernels'
import { type ExtractedFlat, extractFlat } from '@nightpipe/spectra'
import { readOrderFrame, readTraces } from '@nightpipe/spectrographs'
import { orUnreadable, type Unreadable } from './examine.js'

export interface ExtractLampArgs {
  path: string
  traces: string
  profile: InstrumentProfile
}

/** An extracted image of combined flats. */
export interface ExtractedLamp {
  width: number
  /** of the traces: not every one of them need have light */
  orders: number
  fibres: number
  spectra: ExtractedFlat[]
  shift: number
}

/** The image of flats of one pair of fibres to the responses of their orders. */
export function extractLamp({ path, traces: tracesPath, profile }: ExtractLampArgs): ExtractedLamp | Unreadable {
  return orUnreadable(() =>
    scoped(() => {
      const frame = readOrderFrame(path, path, profile, true, true)
      const { gain = 1, readNoise = 0 } = frame.facts
      const traces = readTraces(tracesPath, { height: frame.height })
      const { orders, fibres } = traces
      const traced = Array.from({ length: fibres }, (_, fibre) => fibre)
      const lit = frame.lit ? traced.filter((fibre) => frame.lit!.includes(fibre)) : traced
      const flat = extractFlat(frame, traces, {
        fibres: lit,
        gain,
        readNoise,
        frames: numberOf(frame.header, 'NFRAVGD') ?? 1,
      })
      return { width: frame.width, orders, fibres, spectra: flat.orders, shift: flat.shift }
    }),
  )
}
