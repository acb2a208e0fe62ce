import { copyHeader, type Header, removeCard, setCard } from '@nightpipe/fits'
import { type Calibration, instrumental } from './calibrate.js'
import type { PhotFacts } from './frame-facts.js'
import type { FrameMeasures } from './measure-frame.js'

/** Magnitudes of limits in the middle of the frame: 5 sigma (or what the INI says) by empty circles and by the fit, and half found of those put in. */
export interface LimitMagnitudes {
  aperture: number
  psf: number
  injected?: number
}

export function limitMagnitudes(
  { limits, growth, chosen, middle }: FrameMeasures,
  facts: PhotFacts,
  zero: number,
  significance: number,
): LimitMagnitudes {
  const part = growth.part(chosen, ...middle)
  const magnitude = (flux: number) => zero + instrumental(flux, facts.exposure)
  return {
    aperture: magnitude((significance * limits.emptyScatter) / part),
    psf: magnitude(significance * limits.fitScatter),
    ...(limits.halfFound === undefined ? {} : { injected: magnitude(limits.halfFound) }),
  }
}

/** A header for tables: a plate solution belongs to an image, and the stars have their directions already. */
export function withoutPlate(frame: Header): Header {
  const header = copyHeader(frame)
  const plate =
    /^(CTYPE|CUNIT|CRPIX|CRVAL|CDELT|CROTA|LTV)\d$|^(CD|PC|LTM)\d_\d$|^PV\d_\d+$|^(A|B|AP|BP)_(\d_\d|ORDER|DMAX)$|^WCSAXES$/
  for (const { keyword } of frame.cards) if (plate.test(keyword)) removeCard(header, keyword)
  return header
}

/** The header: that of the frame, and what the photometry found. */
export function photHeader(
  frame: Header,
  measures: FrameMeasures,
  facts: PhotFacts,
  calibration: Calibration | undefined,
  limits: LimitMagnitudes,
): Header {
  const header = withoutPlate(frame)
  const set = (keyword: string, value: number | string | undefined, comment: string) => {
    if (typeof value === 'number' && !Number.isFinite(value)) return
    if (value !== undefined)
      setCard(header, keyword, typeof value === 'number' ? Number(value.toPrecision(9)) : value, comment)
  }
  const { quality } = measures.found
  set('NSTARS', measures.count, 'sources measured')
  set('SEEING', quality.seeing, '[pix] median full width at half maximum')
  set('ELLIPTIC', quality.ellipticity, 'median of 1 - b / a of the stars')
  set('SKYLEV', quality.sky, 'median background')
  set('SKYSIG', quality.skySigma, 'noise of a pixel of the sky')
  set('PHRAD', measures.circles.radii[measures.chosen], '[pix] radius of the circle of FLUX_TOTAL')
  set('PHPART', measures.growth.part(measures.chosen, ...measures.middle), 'part of the light in it, in the middle')
  set('PHEXP', facts.exposure, '[s] exposure that magnitudes are divided by')
  set('PHMJD', facts.mjd, 'middle of the exposure, UTC')
  set('PHFILT', facts.filter === '' ? undefined : facts.filter, 'filter')
  set('PHAIRM', facts.airmass, 'airmass')
  if (measures.psf) {
    set('PSFBETA', measures.psf.beta, 'exponent of the Moffat profile')
    set('PSFSTARS', measures.psf.stars, 'stars of the model of the profile')
    set('PSFCHI', measures.psf.chi, 'their residuals over their noise')
  }
  if (calibration) zeroCards(set, calibration)
  set('LIMMAG', limits.aperture, '[mag] limit by the noise of empty circles')
  set('LIMPSF', limits.psf, '[mag] limit by the noise of a fit')
  set('LIMINJ', limits.injected, '[mag] half of the stars put in are found')
  return header
}

function zeroCards(
  set: (k: string, v: number | string | undefined, c: string) => void,
  { zero, band, colour }: Calibration,
): void {
  set('MAGZP', zero.value, '[mag] of 1 unit/s, in the middle, mean colour')
  set('MAGZPERR', zero.error, '[mag] one sigma of MAGZP')
  set('MAGZPSC', zero.scatter, '[mag] robust scatter of single stars')
  set('MAGZPIN', zero.intrinsic, '[mag] of that beyond their errors')
  set('MAGZPN', zero.count, 'stars of the zero point')
  set('MAGZPB', band, 'band of the catalogue')
  if (!colour) return
  set('MAGZPC', zero.colourTerm, '[mag/mag] colour term')
  set('MAGZPCER', zero.colourTermError, 'one sigma of MAGZPC')
  set('MAGZPC0', zero.meanColour, `[mag] colour that MAGZP is for`)
  set('MAGZPCB', colour.join('-'), 'colour')
}
