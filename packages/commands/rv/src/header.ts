import { type CardValue, copyHeader, type Header, setCard } from '@nightpipe/fits'
import { LIGHT_SPEED } from '@nightpipe/math'
import { radvCards, type StarExposure } from '@nightpipe/spectrographs'
import type { StarVelocity } from './job.js'

type Said = [keyword: string, value: CardValue | undefined, comment: string]

/** Nine decimals: a micrometre a second is more than enough, and the same on every machine. */
const rounded = (value: number | undefined, decimals: number) =>
  value === undefined || !Number.isFinite(value) ? undefined : Number(value.toFixed(decimals))

/** The cards of one star; those of a second one bear a 2. */
function cardsOf({ circumstances, measured, errors, rv, template }: StarVelocity): Said[] {
  const { correction, middle, star, fibre, sunlight, target } = circumstances
  const { line, velocity, correlation, second, blocks } = measured
  const legacy =
    correlation && velocity && blocks
      ? radvCards({
          fibre,
          correlation,
          velocity,
          blocks,
          template: template ?? '',
          z: correction?.z,
          bjd: correction?.bjdTdb,
        })
      : []
  return [
    ['RV', rounded(rv, 4), '[m/s] radial velocity, barycentric: c z'],
    ['RVERR', rounded(errors.error, 4), '[m/s] one sigma of RV, without the template'],
    ['RVTEMPL', rounded(errors.template, 4), '[m/s] one sigma of the template: not in RVERR'],
    ['RVTOTERR', rounded(errors.total, 4), '[m/s] one sigma of RV, with the template'],
    ['RVPHOT', rounded(measured.limit, 4), '[m/s] the photons alone would allow'],
    ['RVMEAS', rounded(LIGHT_SPEED * measured.z, 4), '[m/s] c z as seen, not barycentric'],
    ['RVMETH', measured.by, 'template, mask, or none: no velocity'],
    ['BARYCORR', rounded(correction?.velocity, 4), '[m/s] c z, 1 + z_true = (1 + z_seen)(1 + z)'],
    ['SECACC', rounded(correction?.secular, 4), '[m/s] of it the secular acceleration'],
    ['TCORR', rounded(correction?.bjdTdb, 8), '[d] BJD_TDB, flux-weighted middle'],
    ['MJDMID', rounded(middle.mjd, 8), '[d] UTC, flux-weighted middle'],
    ['MIDREAD', middle.readings, 'readings of the exposure meter; 0: clock'],
    ['SCIFIBER', fibre, 'fiber of the star'],
    ['RVSTAR', circumstances.object, 'star'],
    ['RVPLACE', sunlight ? 'Sun' : star?.from, 'where the coordinates are from'],
    ['RVRA', rounded(star?.ra, 8), '[deg] right ascension used'],
    ['RVDEC', rounded(star?.dec, 8), '[deg] declination used'],
    ['RVPMRA', rounded(star?.pmRa, 4), '[mas/yr] with cos dec'],
    ['RVPMDEC', rounded(star?.pmDec, 4), '[mas/yr]'],
    ['RVPLX', rounded(star?.parallax, 4), '[mas] parallax'],
    ['RVORDERS', velocity?.combined.parts, 'orders that gave RV'],
    ['RVJITTER', rounded(velocity?.combined.jitter, 4), '[m/s] orders differ by this beyond errors'],
    ['DOUBLEV', rounded(second?.velocity, 0), '[m/s] c z as seen of a second set of lines'],
    ['DOUBLEH', rounded(second?.part, 3), 'its correlation, over that of the star'],
    ['CCFFWHM', rounded(line?.fit && line.fit.fwhm / 1000, 6), '[km/s] width of the mean line'],
    ['CCFCONTR', rounded(line?.fit?.contrast, 6), 'depth of the mean line'],
    ['CCFBIS', rounded(line?.fit?.bisectorSpan, 4), '[m/s] bisector span of the mean line'],
    ['CCFLINES', line?.lines, 'lines in it'],
    ['TARGTEFF', target?.Teff, '[K] of targets.csv'],
    ...legacy,
    [`L1IDZER${fibre}`, template ? `zero/${template}` : 'NULL', 'template'],
  ]
}

const NAMED_BY_FIBRE = /^L1IDZER/

/** The header of the final -1d file: that of the spectra, with the velocities. */
export function velocityHeader({ spectra }: StarExposure, stars: readonly StarVelocity[]): Header {
  const header = copyHeader(spectra.header)
  stars.slice(0, 2).forEach((star, k) => {
    for (const [keyword, value, comment] of cardsOf(star)) {
      const name = k === 0 || NAMED_BY_FIBRE.test(keyword) ? keyword : `${keyword.slice(0, 7)}2`
      if (value !== undefined) setCard(header, name, value, comment)
    }
  })
  setCard(header, 'TCORVERN', 'WE2014', 'Wright & Eastman 2014, all effects')
  setCard(header, 'PLEPHEM', 'DE405', 'ephemeris of the Earth')
  setCard(header, 'TCORSYST', 'BJD_TDB', 'time system of TCORR')
  return header
}
