import { type NameFacts, nameWins, readFileName } from './file-name.js'
import { type FrameSections, frameSections, type Size } from './frame-sections.js'
import { type FrameSky, frameSky } from './frame-sky.js'
import { type FrameTime, frameTime } from './frame-time.js'
import { frameType } from './frame-type.js'
import type { InstrumentProfile } from './profile.js'
import type { FrameType } from './profile-schema.js'
import {
  aliasOf,
  asNumber,
  asText,
  firstOf,
  type HeaderLookup,
  makeReader,
  matchesWord,
  numericFact,
  type Reader,
  saidBy,
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
  /** The turn that brings the frame to the orientation of the others of this camera. */
  orientation?: Orientation
  /** Why the frame cannot be used, where the header shows it. */
  unfit?: string
  /** What was odd in the header, and what was done about it. */
  notes: string[]
}

export type Orientation = InstrumentProfile['values']['orientation']['default']

/** The array, and the name of its file where it is known: the last witness where a header is silent. */
export interface FrameShape extends Size {
  name?: string
}

/** The facts of a frame, read from its header through an instrument profile. */
export function describeFrame(lookup: HeaderLookup, profile: InstrumentProfile, shape: FrameShape): FrameFacts {
  const notes: string[] = []
  const reader = makeReader(lookup, profile, notes)
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
    ...frameTime(reader, name, exposureSeconds),
    ...frameSky(reader, shape),
    ...withDetector(frameSections(reader, shape, binning), detector),
    ...frameOrientation(reader),
    notes,
  }
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

function frameFilter(reader: Reader, name: NameFacts): string | undefined {
  const { keywords, conventions, filters } = reader.profile.values
  const isClear = (word: string) => conventions.clear.some((clear) => matchesWord(word, clear))
  const ours = (word: string) => (isClear(word) ? 'clear' : aliasOf(filters, word))
  const imposed = saidBy(reader, 'override', 'filter')
  if (imposed !== undefined) return imposed
  if (name.filter !== undefined && nameWins(reader, 'filter')) return ours(name.filter)
  // NONE in a filter keyword is a filter wheel without filter, other texts for "no value" are none.
  const read = (source: string) => {
    const word = asText(reader.value(source)) ?? asText(reader.written(source))
    return word !== undefined && (reader.value(source) !== undefined || isClear(word)) ? word : undefined
  }
  const said = firstOf(reader, keywords.filter, read)
  if (said) return ours(said.value)
  const wheels = keywords['filter wheels'].flatMap((source) => read(source) ?? [])
  const used = wheels.map(ours).filter((word) => word !== 'clear')
  if (wheels.length) return used.length ? used.join('+') : 'clear'
  if (name.filter !== undefined) reader.note(`filter ${name.filter} from the file name`)
  return name.filter !== undefined ? ours(name.filter) : saidBy(reader, 'assume', 'filter')
}

/** '2x2', '2 2', '2,2' or 2; each axis at least 1. */
function parseBinning(text: string | undefined): [number, number] | undefined {
  const match = /^\D*(\d+)(?:\s*[x*, ]\s*(\d+))?\D*$/i.exec(text ?? '')
  const pair = match && ([Number(match[1]), Number(match[2] ?? match[1])] as [number, number])
  return pair?.every((n) => n >= 1 && n <= 64) ? pair : undefined
}

function frameBinning(reader: Reader): [number, number] {
  const { keywords } = reader.profile.values
  const imposed = parseBinning(saidBy(reader, 'override', 'binning'))
  if (imposed) return imposed
  const both = firstOf(reader, keywords.binning, (source) => parseBinning(asText(reader.value(source))))
  if (both) return both.value
  const axis = (sources: string[]) =>
    firstOf(reader, sources, (source) => {
      const value = asNumber(reader.value(source))
      return value !== undefined && value >= 1 && Number.isInteger(value) ? value : undefined
    })?.value
  const [x, y] = [axis(keywords['binning x']), axis(keywords['binning y'])]
  if (x !== undefined || y !== undefined) return [x ?? y!, y ?? x!]
  return parseBinning(saidBy(reader, 'assume', 'binning')) ?? [1, 1]
}

/** The turn of this frame, and whether it changed during the exposure. */
function frameOrientation(reader: Reader): Pick<FrameFacts, 'orientation' | 'unfit'> {
  const said = reader.profile.values.orientation
  const start = said.keyword ? reader.value(said.keyword) : undefined
  if (start === undefined) return { orientation: said.default }
  const end = said['end keyword'] ? reader.value(said['end keyword']) : undefined
  const same = end === undefined || sameValue(start, end)
  const unfit = same
    ? undefined
    : `${said.keyword} = ${start} but ${said['end keyword']} = ${end}: turned during the exposure`
  const turns = said.values.map((pair) => pair.split(':').map((word) => word.trim()))
  const turn = turns.find(([value]) => sameValue(start, value))?.[1] as Orientation | undefined
  if (turn === undefined) reader.note(`${said.keyword} = ${start} has no turn in the profile`)
  return { orientation: turn ?? said.default, unfit }
}

function sameValue(a: string | number | boolean, b: string | number | boolean): boolean {
  const [x, y] = [asNumber(a), asNumber(b)]
  return x !== undefined && y !== undefined ? Math.abs(x - y) < 0.5 : String(a) === String(b)
}
