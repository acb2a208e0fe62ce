import { basename } from 'node:path'
import { DataError } from '@nightpipe/files'
import { numberOf } from '@nightpipe/fits'
import { LIGHT_SPEED, medianOf } from '@nightpipe/math'
import {
  airSeen,
  atCentreOfLight,
  buildTemplate,
  type MadeTemplate,
  maskTellurics,
  type OrderSpectrum,
  TELLURIC_BANDS,
  type Window,
} from '@nightpipe/spectra'
import type { Circumstances } from './circumstances.js'
import type { StarExposure } from './star-exposure.js'
import { meanArcParts } from './wave-arcs.js'
import type { NewZeroFile } from './zero-file.js'
import { targetKey } from './zeros.js'

/** A template, ready to be written, and what its making found. */
export interface MadeZero {
  file: NewZeroFile
  template: MadeTemplate
  /** of the exposures, first and last: MJD */
  from: number
  to: number
  notes: string[]
}

export interface MakeZeroOptions {
  /** the star; that of the first exposure where it is left out */
  target?: string | undefined
  /** m/s, of the star; its RV in targets.csv where it is left out, or else 0 */
  velocity?: number | undefined
  /** orders of the spectrograph, for the planes of the file; as many as there are where it is left out */
  orders?: number | undefined
  /** where the air absorbs; left out: the standard bands, if any exposure shows oxygen */
  tellurics?: readonly Window[] | undefined
}

/**
 * The ZERO template of a star from its exposures: each is brought to the rest frame of the star by its own barycentric correction
 * at its own flux-weighted middle. DataError when they are not of one star in one fibre, have no wavelengths, or one of them
 * no barycentric correction.
 */
export function makeZero(exposures: readonly StarExposure[], options: MakeZeroOptions = {}): MadeZero {
  if (exposures.length === 0) throw new DataError('no exposure for a template')
  const wanted = targetKey(options.target ?? exposures[0]!.stars[0]!.object)
  const chosen = exposures.map((exposure) => starOf(exposure, wanted))
  const fibre = chosen[0]!.fibre
  const odd = chosen.findIndex((one) => one.fibre !== fibre)
  if (odd >= 0) {
    const name = basename(exposures[odd]!.path)
    throw new DataError(
      `${name} has ${wanted} in fibre ${chosen[odd]!.fibre}, others in ${fibre}`,
      'a template is of one fibre',
    )
  }
  const row = chosen.find(({ target }) => target)?.target
  const velocity = options.velocity ?? 1000 * (row?.RV ?? 0)
  const spectra = exposures.map((exposure) => ordersOf(exposure, fibre))
  const tellurics = options.tellurics ?? (spectra.some(airSeen) ? TELLURIC_BANDS : [])
  const resolution = resolutionOf(exposures)
  const series = spectra.map((orders, k) => ({
    orders: maskTellurics(orders, tellurics).map((one) => atCentreOfLight(one, resolution ?? 0)),
    z: chosen[k]!.correction!.z,
  }))
  const template = { ...buildTemplate(series, { velocity }), resolution }
  const width = exposures[0]!.spectra.width
  const highest = Math.max(...series.flatMap(({ orders }) => orders.map(({ index }) => index)))
  const count = Math.max(options.orders ?? 0, highest + 1)
  const notes = [
    ...new Set(chosen.flatMap((one) => one.notes)),
    ...(options.velocity === undefined && row?.RV === undefined
      ? [`the velocity of ${wanted} is not known: taken as 0`]
      : []),
  ]
  const file: NewZeroFile = {
    ...{ template, width, orders: count, files: exposures.map(({ path }) => basename(path)) },
    star: {
      ...{ target: wanted, fibre, velocity, teff: row?.Teff, logg: row?.Logg },
      ...{ bmag: row?.Bmag, vmag: row?.Vmag, jmag: row?.Jmag, kmag: row?.Kmag },
    },
    redshift: (1 + series[0]!.z) / (1 + velocity / LIGHT_SPEED) - 1,
    laboratory: byIndex(count, (k) => series[0]!.orders.find(({ index }) => index === k)?.wavelength),
    lamp: byIndex(count, (k) => lampOf(exposures[0]!, k)),
    arcs: meanArcParts(
      exposures.map(({ arcs }, k) => ({
        parts: arcs?.filter((part) => part.fibre === fibre),
        weight: lightOf(series[k]!.orders),
      })),
    ),
  }
  const times = chosen.map(({ middle }) => middle.mjd)
  return { file, template, from: Math.min(...times), to: Math.max(...times), notes }
}

const byIndex = <T>(count: number, of: (index: number) => T) => Array.from({ length: count }, (_, index) => of(index))

function starOf({ stars, path }: StarExposure, wanted: string): Circumstances {
  const found = stars.find(({ object }) => targetKey(object) === wanted)
  const name = basename(path)
  if (!found) {
    throw new DataError(
      `${name} is of ${stars.map(({ object }) => object).join(', ')}, not of ${wanted}`,
      'give frames of one star',
    )
  }
  if (!found.correction)
    throw new DataError(`${name}: ${found.notes.join('; ')}`, 'a template needs the barycentric correction')
  return found
}

/** That of the lamp's lines; undefined where an exposure does not tell it. */
function resolutionOf(exposures: readonly StarExposure[]): number | undefined {
  const all = exposures.map(({ spectra }) => numberOf(spectra.header, 'RESOLUT') ?? 0)
  return all.every((one) => one > 0) ? medianOf(all) : undefined
}

function ordersOf({ spectra, path }: StarExposure, fibre: number) {
  const orders = spectra.orders.filter((one) => one.fibre === fibre && one.wavelength?.some((w) => w > 0))
  if (orders.length === 0) throw new DataError(`${basename(path)} has no wavelengths`, 'run wavelength first')
  return orders
}

/** What an exposure counts in the mean: the square of its signal to noise, over all good pixels. */
function lightOf(orders: readonly OrderSpectrum[]): number {
  let sum = 0
  for (const { flux, uncertainty, mask } of orders) {
    for (let x = 0; x < flux.length; x++) {
      if (mask[x] === 0 && uncertainty[x]! > 0) sum += (flux[x]! / uncertainty[x]!) ** 2
    }
  }
  return sum
}

/** The lamp of the calibration fibre in an order. */
function lampOf({ spectra, stars }: StarExposure, index: number): Float64Array | undefined {
  const taken = new Set(stars.map(({ fibre }) => fibre))
  return spectra.orders.find((one) => one.index === index && !taken.has(one.fibre))?.flux
}
