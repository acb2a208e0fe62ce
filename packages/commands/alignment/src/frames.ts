import { DataError, type Request, type Row } from '@nightpipe/command'
import { describeFrame, type FrameFacts } from '@nightpipe/config'
import type { InputFile } from '@nightpipe/files'
import { cardLookup, companion, frameHdu, openFits } from '@nightpipe/fits'
import type { AlignmentSchema } from './schema.js'

/** A frame as the plan knows it: its header read, no pixel yet. */
export interface FrameInfo {
  path: string
  name: string
  stem: string
  width: number
  height: number
  hasError: boolean
  hasMask: boolean
  /** Electrons per unit of the frame. */
  gain?: number
  saturation?: number
  mjd?: number
  /** What it agrees in with the others of its group. */
  key: string
  label: string
}

type Alignments = Request<AlignmentSchema>

export interface Sorted {
  frames: FrameInfo[]
  rows: Row[]
}

/** Reads the headers: which frames there are to align, and which inputs are none, and why. */
export function sortFrames(request: Alignments): Sorted {
  const sorted: Sorted = { frames: [], rows: [] }
  const stems = new Map<string, string>()
  for (const input of request.inputs) {
    const set = (status: Row['status'], reason: string) => sorted.rows.push({ input: input.path, status, reason })
    try {
      const { frame, facts } = readInfo(input, request)
      const twin = stems.get(frame.stem)
      if (facts.unfit) set('rejected', facts.unfit)
      else if (!request.config.group.types.includes(facts.type)) {
        set('rejected', `is a frame of type ${facts.type} (aligned: ${request.config.group.types.join(', ')})`)
      } else if (twin) set('failed', `has the same name as ${twin} (align them into different folders)`)
      else {
        stems.set(frame.stem, frame.path)
        sorted.frames.push(frame)
      }
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      set('failed', error.advice ? `${error.message} (${error.advice})` : error.message)
    }
  }
  return sorted
}

export function readInfo(
  input: Pick<InputFile, 'path' | 'name' | 'stem' | 'shown'>,
  { config, profile }: Pick<Alignments, 'config' | 'profile'>,
): { frame: FrameInfo; facts: FrameFacts } {
  const file = openFits(input.path)
  try {
    const image = frameHdu(file)
    const [width, height] = image.axes as [number, number]
    const facts = describeFrame(cardLookup(image), profile, { width, height, name: input.shown })
    const parts = config.group.by.map((fact) => factOf(facts, fact, width, height))
    const frame: FrameInfo = {
      ...{ path: input.path, name: input.name, stem: input.stem, width, height },
      hasError: config.resample.error && companion(file, image, 'ERR') !== undefined,
      hasMask: config.resample.mask && companion(file, image, 'MASK') !== undefined,
      ...{ gain: facts.gain, saturation: config.stars.saturation ?? facts.saturation, mjd: facts.mjd },
      key: JSON.stringify(parts),
      label: parts.filter((part) => part && part !== 'unknown' && part !== '1x1').join('_') || 'frames',
    }
    return { frame, facts }
  } finally {
    file.close()
  }
}

/** What frames can be told apart by. */
export const GROUPS = ['object', 'instrument', 'camera', 'telescope', 'filter', 'binning', 'size'] as const

function factOf(facts: FrameFacts, fact: string, width: number, height: number): string {
  if (fact === 'binning') return facts.binning.join('x')
  if (fact === 'size') return `${width}x${height}`
  return String(facts[fact as 'object'] ?? '')
}
