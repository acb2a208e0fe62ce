import { readFileName } from './file-name.js'
import { frameBinning } from './frame-binning.js'
import { frameFilter } from './frame-filter.js'
import { frameOrientation, type Orientation } from './frame-orientation.js'
import { type FrameSections, frameSections } from './frame-sections.js'
import { type FrameSky, frameSky } from './frame-sky.js'
import { type FrameTime, frameTime } from './frame-time.js'
import { frameType } from './frame-type.js'
import type { Size } from './pixel-section.js'
import type { InstrumentProfile } from './profile.js'
import type { FrameType } from './profile-schema.js'
import {
  aliasOf,
  asText,
  firstOf,
  type HeaderLookup,
  makeReader,
  numericFact,
  type Reader,
  wordFact,
} from './reader.js'

/** What a frame is, whatever its observatory calls things. */
export interface FrameFacts extends FrameSky, FrameTime, FrameSections {
  type: FrameType
  instrument: string
  camera?: string
  site?: string
  telescope?: string
  filter?: string
  exposureSeconds?: number
  /** Electrons per ADU. */
  gain?: number
  /** Electrons. */
  readNoise?: number
  /** ADU. */
  saturation?: number
  binning: [number, number]
  readMode?: string
  object?: string
  /** What each fibre sees, in lower case: ['star', 'thar', 'none']. */
  fibres?: string[]
  /** The turn that brings the frame to the orientation of the others of this camera. */
  orientation?: Orientation
  /** Why the frame cannot be used, where the header shows it. */
  unfit?: string
  /** What was odd in the header, and what was done about it. */
  notes: string[]
  /** Where each fact came from: a keyword, a product of keywords, `override`, `assumed`, `file name`. */
  sources: Record<string, string>
}

/** The array, and the name of its file where it is known: the last witness where a header is silent. */
export interface FrameShape extends Size {
  name?: string
}

/** The facts of a frame, read from its header through an instrument profile. */
export function describeFrame(lookup: HeaderLookup, profile: InstrumentProfile, shape: FrameShape): FrameFacts {
  const reader = makeReader(lookup, profile)
  const name = readFileName(profile, shape.name)
  const exposureSeconds = exposure(reader)
  const object = wordFact(reader, 'object')
  const binning = frameBinning(reader)
  const camera = wordFact(reader, 'camera')
  const detector = detectorFacts(reader)
  return {
    type: frameType(reader, name, object, exposureSeconds),
    instrument: aliasOf(profile.values.instruments, wordFact(reader, 'instrument') ?? 'unknown'),
    camera: camera && aliasOf(profile.values.cameras, camera),
    site: wordFact(reader, 'site'),
    telescope: wordFact(reader, 'telescope'),
    filter: frameFilter(reader, name),
    exposureSeconds,
    ...detector,
    binning,
    readMode: wordFact(reader, 'read mode'),
    object,
    fibres: fibreWords(reader),
    ...frameTime(reader, name, exposureSeconds),
    ...frameSky(reader, shape),
    ...withDetector(frameSections(reader, shape, binning), detector),
    ...frameOrientation(reader),
    notes: reader.notes,
    sources: reader.sources,
  }
}

/** `star&thar&none`; without the & there is one light path, and no word about fibres. */
function fibreWords(reader: Reader): string[] | undefined {
  const said = firstOf(reader, reader.profile.values.keywords.fibres, (source) => asText(reader.value(source)))
  return said?.value.includes('&')
    ? said.value.split('&').map((word) => word.trim().toLowerCase() || 'none')
    : undefined
}

const SECONDS = { s: 1, ms: 1e-3, us: 1e-6, min: 60 } as const

function exposure(reader: Reader): number | undefined {
  const found = numericFact(reader, 'exposure', (value) => value >= 0)
  const unit = SECONDS[reader.profile.values.conventions['exposure unit']]
  return found && (fromHeader(found.source) ? found.value * unit : found.value)
}

const fromHeader = (source: string): boolean => source !== 'override' && source !== 'assumed'

/** Gain, read noise and saturation in electrons per ADU, electrons and ADU. */
function detectorFacts(reader: Reader): Pick<FrameFacts, 'gain' | 'readNoise' | 'saturation'> {
  const { conventions } = reader.profile.values
  const saidGain = numericFact(reader, 'gain', (value) => value > 0)
  const inverse = saidGain && fromHeader(saidGain.source) && conventions['gain unit'] === 'adu/e'
  const gain = saidGain && (inverse ? 1 / saidGain.value : saidGain.value)
  const noise = numericFact(reader, 'read noise', (value) => value > 0)
  const inAdu = noise && fromHeader(noise.source) && conventions['read noise unit'] === 'adu'
  const readNoise = noise && (inAdu ? noise.value * (gain ?? 1) : noise.value)
  const saturation = numericFact(reader, 'saturation', (value) => value > 0)?.value
  return { gain, readNoise, saturation }
}

/** Amplifiers that tell no gain or read noise of their own have the frame's. */
function withDetector(sections: FrameSections, { gain, readNoise }: Pick<FrameFacts, 'gain' | 'readNoise'>) {
  const amplifiers = sections.amplifiers.map((a) => ({
    ...a,
    gain: a.gain ?? gain,
    readNoise: a.readNoise ?? readNoise,
  }))
  return { ...sections, amplifiers }
}
