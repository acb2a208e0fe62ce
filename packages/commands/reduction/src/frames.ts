import { DataError, type Request, type Row } from '@nightpipe/command'
import { describeFrame, type FrameFacts, type InstrumentProfile, profileRecogniser } from '@nightpipe/config'
import type { InputFile } from '@nightpipe/files'
import { cardLookup, frameHdu, openFits, textOf } from '@nightpipe/fits'
import type { ReductionSchema } from './schema.js'
import { isSpectrograph } from './settle.js'
import { fibreTrouble } from './spectrum-light.js'

/** A science frame as the plan knows it: its header read, no pixel yet. */
export interface RawFrame {
  path: string
  name: string
  stem: string
  hdu: number
  width: number
  height: number
  facts: FrameFacts
  /** The shipped profile that its header belongs to, where it is read with the generic one. */
  betterProfile?: string
}

export interface Sorted {
  science: RawFrame[]
  /** Frames of which masters can be made. */
  calibrations: RawFrame[]
  /** What is not reduced, and why. */
  rows: Row[]
}

const CALIBRATIONS = ['bias', 'dark', 'flat', 'arc']

/** Tells science frames from calibrations and from what cannot be reduced, by their headers. */
export function sortFrames(
  request: Request<ReductionSchema>,
  stranger: (frame: RawFrame) => string | undefined = () => undefined,
): Sorted {
  const sorted: Sorted = { science: [], calibrations: [], rows: [] }
  const { types } = request.config.select
  const spectra = isSpectrograph(request.profile)
  const trouble = (frame: RawFrame) =>
    frame.facts.unfit ?? stranger(frame) ?? (spectra ? fibreTrouble(frame, request.profile) : undefined)
  const recognise = request.profile.name === 'generic' ? profileRecogniser() : () => undefined
  for (const input of request.inputs) {
    const set = (status: Row['status'], reason: string) => sorted.rows.push({ input: input.path, status, reason })
    try {
      const { frame, product } = readFacts(input, request.profile, recognise)
      const { type } = frame.facts
      if (product) set('rejected', product)
      else if (types.includes(type) && trouble(frame)) set('rejected', trouble(frame)!)
      else if (types.includes(type)) sorted.science.push(frame)
      else if (spectra && type === 'unknown') set('rejected', 'its header does not say of what type it is')
      else set('rejected', `is ${an(type)} frame (reduced: ${types.join(', ')}; see [select] types)`)
      if (!product && CALIBRATIONS.includes(type)) sorted.calibrations.push(frame)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      set('failed', error.advice ? `${error.message} (${error.advice})` : error.message)
    }
  }
  refuseTwins(sorted)
  return sorted
}

function readFacts(
  input: InputFile,
  profile: InstrumentProfile,
  recognise: ReturnType<typeof profileRecogniser>,
): { frame: RawFrame; product?: string } {
  const file = openFits(input.path)
  try {
    const image = frameHdu(file)
    const { index: hdu, axes } = image
    const [width, height] = axes as [number, number]
    const facts = describeFrame(cardLookup(image), profile, { width, height, name: input.shown })
    const betterProfile = recognise(cardLookup(image))
    const frame = { path: input.path, name: input.name, stem: input.stem, hdu, width, height, facts, betterProfile }
    const maker = textOf(file.hdus[0]!.header, 'NP_CMD')
    const what = textOf(file.hdus[0]!.header, 'IMAGETYP') ?? 'product'
    return {
      frame,
      product: maker && maker !== 'simulate' ? `is no raw frame: ${an(what)} made by ${maker}` : undefined,
    }
  } finally {
    file.close()
  }
}

const an = (noun: string) => `${/^[aeiou]/i.test(noun) ? 'an' : 'a'} ${noun}`

/** Two frames of one stem would be one product. */
function refuseTwins(sorted: Sorted): void {
  const first = new Map<string, RawFrame>()
  sorted.science = sorted.science.filter((frame) => {
    const twin = first.get(frame.stem)
    if (!twin) {
      first.set(frame.stem, frame)
      return true
    }
    const reason = `has the same name as ${twin.path} (reduce them into different folders)`
    sorted.rows.push({ input: frame.path, status: 'failed', reason })
    return false
  })
}
