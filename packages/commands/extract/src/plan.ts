import { join } from 'node:path'
import { DataError, type Job, type Plan, type Request, type Row } from '@nightpipe/command'
import type { FrameFacts } from '@nightpipe/config'
import type { Traces } from '@nightpipe/spectra'
import { describeOrderFrame, lightOf, litFibres, openTree, type ProductKind } from '@nightpipe/spectrographs'
import { calibrationsOf } from './calibrations.js'
import { imageKinds, imagePaths } from './products.js'
import type { ExtractSchema } from './schema.js'

/** What a job must know of its frame. */
export interface ExtractJob {
  type: FrameFacts['type']
  /** what each fibre sees; undefined where the header does not say */
  fibres?: string[]
  /** with light */
  lit: number[]
  /** with light in every column: what the shift of the traces is measured on */
  steady: number[]
  /** kinds of the products after the first */
  kinds: ProductKind[]
  camera?: string
  /** electrons per unit of the pixels */
  gain: number
  /** electrons */
  readNoise: number
  mjd?: number
  traces: string
  flats: string[]
  /** list of what is kept out of fits, and the wavelengths that it is looked up by */
  badWavelengths?: string
  wavelengths?: string
}

/** Types of frames that hold spectra. */
const SPECTRA: readonly string[] = ['flat', 'arc', 'object', 'unknown']

/** Bytes that a pixel of a frame takes: itself, its error, mask, and what was not believed; and the spectra. */
const BYTES_PER_PIXEL = 16

/** Headers only: what holds no spectra, or does not fit its traces, is set aside. */
export function planExtraction(request: Request<ExtractSchema>): Plan<ExtractJob> {
  const tree = openTree(request.flags)
  const calibrations = calibrationsOf(request, tree)
  const images =
    request.config.products.images === 'auto' ? tree !== undefined : request.config.products.images === 'yes'
  const rows: Row[] = []
  const jobs: Job<ExtractJob>[] = []
  let largest = 0
  for (const { path, name, stem, shown } of request.inputs) {
    try {
      const { facts, width, height, lit } = describeOrderFrame(path, shown, request.profile)
      if (!SPECTRA.includes(facts.type)) {
        rows.push({ input: path, status: 'rejected', reason: `holds no spectra: ${facts.type}` })
        continue
      }
      const { traces, tracesPath, flats, bad } = calibrations({ facts, lit, shown })
      requireSize(traces, tracesPath, width, height, shown)
      const kinds = imageKinds(facts.type, images, flats.length > 0)
      const params = { ...paramsOf(facts, traces, shown), traces: tracesPath, flats, kinds, ...bad }
      const paths = imagePaths(kinds, { output: request.output, stem, mjd: facts.mjd, tree })
      const parents = [
        { path, role: 'frame' },
        { path: tracesPath, role: 'traces' },
        ...flats.map((flat) => ({ path: flat, role: 'flat' })),
        ...(bad ? [{ path: bad.badWavelengths, role: 'bad wavelengths' }] : []),
        ...(bad ? [{ path: bad.wavelengths, role: 'wavelengths' }] : []),
      ]
      const products = [join(request.output, `${stem}-1d.fits`), ...paths]
      jobs.push({ name, inputs: [path], products, parents, params })
      largest = Math.max(largest, width * height)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      rows.push({
        ...{ input: path, status: 'failed' },
        reason: error.advice ? `${error.message} (${error.advice})` : error.message,
      })
    }
  }
  return { jobs, rows, memoryPerJob: BYTES_PER_PIXEL * largest + 100e6 }
}

function requireSize(traces: Traces, path: string, width: number, height: number, shown: string): void {
  if (traces.width === width && (traces.height === height || traces.height === 0)) return
  throw new DataError(
    `${shown} is ${width}x${height} but the traces of ${path} are for ${traces.width}x${traces.height}`,
    'extract calibrated frames: reduction cuts the overscan off',
  )
}

function paramsOf(
  facts: FrameFacts,
  traces: Traces,
  shown: string,
): Omit<ExtractJob, 'traces' | 'flats' | 'kinds' | 'badWavelengths' | 'wavelengths'> {
  const { fibres, type, camera, gain = 1, readNoise = 0, mjd } = facts
  const traced = Array.from({ length: traces.fibres }, (_, fibre) => fibre)
  const lit = fibres ? litFibres(fibres).filter((fibre) => fibre < traces.fibres) : traced
  if (lit.length === 0) {
    throw new DataError(`${shown}: no fibre has light (${fibres?.join('&')})`, 'nothing is to be extracted')
  }
  const steady = lit.filter((fibre) => (fibres ? lightOf(fibres[fibre]!) !== 'arc' : type !== 'arc'))
  return { type, fibres, lit, steady, camera, gain, readNoise, mjd }
}
