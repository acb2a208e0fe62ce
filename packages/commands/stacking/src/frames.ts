import { DataError, type Request, type Row, tableMadeBy } from '@nightpipe/command'
import { describeFrame, type FrameFacts } from '@nightpipe/config'
import type { InputFile } from '@nightpipe/files'
import { cardLookup, companion, frameHdu, type Hdu, numberOf, openFits, textOf } from '@nightpipe/fits'
import type { StackingSchema } from './schema.js'

/** A frame as the plan knows it: its header read, no pixel yet. */
export interface FrameInfo {
  path: string
  name: string
  width: number
  height: number
  /** Its first pixel on the grid that all frames of a field share. */
  x0: number
  y0: number
  hasError: boolean
  hasMask: boolean
  /** Electrons per unit of the frame; electrons; unit of the frame. */
  gain?: number
  readNoise?: number
  saturation?: number
  exposureSeconds?: number
  /** Start of the exposure. */
  mjd?: number
  object: string
  filter: string
  key: string
  /** The grid: the frame that it was aligned on, else its size and plate solution. */
  grid: string
  /** Noise of large sums over that of pixels, from the alignment. */
  noiseFactor: number
}

type Stacking = Request<StackingSchema>

/** Reads the headers: which frames there are to stack, and which inputs are none, and why. */
export function sortFrames(request: Stacking): { frames: FrameInfo[]; rows: Row[] } {
  const frames: FrameInfo[] = []
  const rows: Row[] = []
  for (const input of request.inputs) {
    const set = (status: Row['status'], reason: string) => rows.push({ input: input.path, status, reason })
    try {
      const table = tableMadeBy(input.path)
      if (table) {
        set('rejected', `is a table that ${table} made`)
        continue
      }
      const { frame, facts, maker } = readInfo(input, request)
      const { types } = request.config.group
      if (maker === 'stacking') set('rejected', 'is a stack itself')
      else if (facts.unfit) set('rejected', facts.unfit)
      else if (!types.includes(facts.type))
        set('rejected', `is a frame of type ${facts.type} (stacked: ${types.join(', ')})`)
      else frames.push(frame)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      set('failed', error.advice ? `${error.message} (${error.advice})` : error.message)
    }
  }
  return { frames, rows }
}

function readInfo(
  input: InputFile,
  { config, profile }: Stacking,
): { frame: FrameInfo; facts: FrameFacts; maker?: string } {
  const file = openFits(input.path)
  try {
    const image = frameHdu(file)
    const [width, height] = image.axes as [number, number]
    const facts = describeFrame(cardLookup(image), profile, { width, height, name: input.shown })
    const header = image.header
    const [x0, y0] = [numberOf(header, 'GRIDX0') ?? 0, numberOf(header, 'GRIDY0') ?? 0]
    const parts = config.group.by.map((fact) => String(facts[fact as 'object'] ?? ''))
    const frame: FrameInfo = {
      ...{ path: input.path, name: input.name, width, height, x0, y0 },
      hasError: companion(file, image, 'ERR') !== undefined,
      hasMask: companion(file, image, 'MASK') !== undefined,
      ...{ gain: facts.gain, readNoise: facts.readNoise, saturation: facts.saturation },
      ...{ exposureSeconds: facts.exposureSeconds, mjd: facts.mjd },
      ...{ object: facts.object ?? '', filter: facts.filter ?? '', key: JSON.stringify(parts) },
      grid: gridOf(image, width, height, x0, y0),
      noiseFactor: numberOf(header, 'NOISEFAC') ?? 1,
    }
    return { frame, facts, maker: textOf(file.hdus[0]!.header, 'NP_CMD') }
  } finally {
    file.close()
  }
}

/** Two frames of one grid have the same of this. */
function gridOf({ header }: Hdu, width: number, height: number, x0: number, y0: number): string {
  const aligned = textOf(header, 'ALIGNREF')
  if (aligned !== undefined) return `aligned on ${aligned}`
  const seed = header.cards.some(({ keyword, value }) => keyword === 'WCSSEED' && value === true)
  const size = `${width}x${height}`
  const sky = ['CRVAL1', 'CRVAL2'].map((keyword) => numberOf(header, keyword))
  const pixel = [(numberOf(header, 'CRPIX1') ?? 0) + x0, (numberOf(header, 'CRPIX2') ?? 0) + y0]
  if (seed || sky.some((value) => value === undefined)) return size
  // to a hundredth of an arcsecond, and of a pixel
  return `${size} at ${sky.map((value) => value!.toFixed(5)).join(' ')}, pixel ${pixel.map((p) => p.toFixed(2)).join(' ')}`
}
