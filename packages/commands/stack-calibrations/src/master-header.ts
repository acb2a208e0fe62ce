import type { CardValue } from '@nightpipe/fits'
import { formatMjd } from '@nightpipe/sky'
import type { Candidate } from './groups.js'
import type { Measured } from './transfer.js'

/** What is known of a master when it is done. */
export interface MasterFacts {
  type: string
  first: Candidate
  frames: number
  /** Exposure that its values are for. */
  exposure?: number
  /** Exposure of all its frames together. */
  depth?: number
  unit: string
  readNoise?: Measured
  readNoiseAdu?: Measured
  gain?: Measured
  /** The same for each amplifier. */
  gains?: Measured[]
  readNoisesAdu?: Measured[]
  /** What made the counts of its frames linear. */
  linearity?: string
  /** Saturated pixels of all its frames, of flats of spectrographs. */
  saturated?: number
  mean: number
  median: number
  rms: number
  rejected: number
  hot: number
  bad: number
  low: number
  noData: number
}

type NewCard = [string, CardValue, string]

/** The header of a master, all its cards, whether their value is known already or not: rows come before the sums. */
export function masterCards(facts: MasterFacts): NewCard[] {
  const { first, type, unit } = facts
  const { instrument, camera, site, telescope, filter, binning, readMode, mjd } = first.facts
  const cards: NewCard[] = [
    ['BUNIT', unit, 'unit of the pixels'],
    ['IMAGETYP', `master ${type}`, 'what this is'],
    ['INSTRUME', instrument, 'instrument'],
  ]
  const add = (keyword: string, value: CardValue, comment: string) => {
    if (value !== undefined) cards.push([keyword, value, comment])
  }
  add('CAMERA', camera, 'detector')
  add('TELESCOP', telescope, 'telescope')
  add('SITEID', site, 'site')
  if (type === 'flat' || type === 'arc') add('FILTER', filter, 'filter')
  add('BINNING', binning.join('x'), 'binning, columns x rows')
  add('READMODE', readMode, 'read-out mode')
  add('DATE-OBS', mjd === undefined ? undefined : formatMjd(mjd), 'start of the first frame, UTC')
  add('MJD-OBS', mjd, '[d] the same as modified Julian date')
  add('EXPTIME', facts.exposure, '[s] exposure that the values are for')
  add('TOTALEXP', facts.depth, '[s] exposure of all frames together')
  const finite = (value?: number) => (Number.isFinite(value) ? value : undefined)
  add('NFRAMES', facts.frames, 'frames combined')
  add('GAIN', facts.gain?.value, '[electron/adu] gain')
  add('GAINERR', finite(facts.gain?.error), '[electron/adu] its error as measured on these frames')
  add('RDNOISE', facts.readNoise?.value, '[electron] read noise')
  add('RDNADU', facts.readNoiseAdu?.value, '[adu] read noise measured on pairs of biases')
  add('RDNADUER', facts.readNoiseAdu?.error, '[adu] its error')
  if (facts.first.geometry.amplifiers.length > 1) {
    for (const [k, gain] of (facts.gains ?? []).entries()) {
      add(`GAIN${k + 1}`, gain.value, `[electron/adu] gain of amplifier ${k + 1}`)
    }
    for (const [k, noise] of (facts.readNoisesAdu ?? []).entries()) {
      add(`RDNADU${k + 1}`, noise.value, `[adu] read noise of amplifier ${k + 1}`)
    }
  }
  add('LINCORR', facts.linearity, 'non-linearity taken off')
  add('NSAT', facts.saturated, 'saturated pixels of all frames')
  cards.push(
    ['MEAN', facts.mean, 'mean of the good pixels'],
    ['MEDIAN', facts.median, 'median of the good pixels'],
    ['RMS', facts.rms, 'standard deviation of the good pixels'],
    ['NREJECT', facts.rejected, 'samples rejected in combining'],
    ['NBAD', facts.bad, 'pixels marked bad'],
    ['NHOT', facts.hot, 'of those, hot'],
    ['NLOWRESP', facts.low, 'pixels of low response'],
    ['NNODATA', facts.noData, 'pixels without a sample'],
  )
  return cards
}
