import { createHeader, type NewHdu } from '@nightpipe/fits'
import { LIGHT_SPEED } from '@nightpipe/math'
import { type Found, known, limitsText } from './found.js'
import type { Resolution } from './resolution.js'

type Card = [keyword: string, value: string | number | undefined, comment: string]

/** The cards of one star; those of a second end with 2. */
function cardsOf({ object, fibre, best, method, parameters, errors, setErrors, ...star }: Found, k: number): Card[] {
  const mark = k === 0 ? '' : String(k + 1)
  const limits = limitsText(star.limits)
  const [teffLogg, teffMetals, loggMetals] = star.correlations
  const cards: Card[] = [
    ['OBJECT', object, 'star'],
    ['FIBER', fibre, 'fiber of the star'],
    ['TEFF', known(parameters.teff), '[K] effective temperature'],
    ['TEFFE', known(errors.teff), '[K] one sigma'],
    ['TEFFSET', known(setErrors.teff), '[K] of that, by the set of templates'],
    ['LOGG', known(parameters.logg), '[dex] surface gravity'],
    ['LOGGE', known(errors.logg), '[dex] one sigma'],
    ['LOGGSET', known(setErrors.logg), '[dex] of that, by the set of templates'],
    ['FEH', known(parameters.metallicity), '[dex] metallicity'],
    ['FEHE', known(errors.metallicity), '[dex] one sigma'],
    ['FEHSET', known(setErrors.metallicity), '[dex] of that, by the set of templates'],
    ['VSINI', known(parameters.vsini / 1000), '[km/s] rotation'],
    ['VSINIE', known(errors.vsini / 1000), '[km/s] one sigma'],
    ['LIMITS', limits || undefined, 'what is not measured'],
    ['RHOTG', known(teffLogg), 'correlation of the errors of TEFF and LOGG'],
    ['RHOTM', known(teffMetals), 'correlation of the errors of TEFF and FEH'],
    ['RHOGM', known(loggMetals), 'correlation of the errors of LOGG and FEH'],
    ['SHIFT', (LIGHT_SPEED * star.z) / 1000, '[km/s] of the star against the templates'],
    ['CHI2R', star.chiSquare / star.pixels, 'chi square over pixels'],
    ['METHOD', method, 'interpolated between templates, or nearest'],
    ['TEMPLAT', best.name, 'template that is most alike'],
  ]
  return cards.map(([keyword, value, comment]) => [`${keyword}${mark}`, value, comment])
}

/** The classes of the stars in cards, and how every template fits in a table. */
export function classHdus(stars: readonly Found[], { resolution, from }: Resolution): NewHdu[] {
  const cards: Card[] = [
    ...stars.flatMap(cardsOf),
    ['RESOLUT', resolution, 'wavelength over FWHM that the set was given'],
    ['RESFROM', from, 'where that is from'],
  ]
  const rows = stars.flatMap(({ fibre, fits }) => fits.map((fit) => ({ ...fit, fibre })))
  const real = (name: string, value: (row: (typeof rows)[number]) => number, unit?: string) => ({
    ...{ name, format: 'D', values: Float64Array.from(rows, value) },
    ...(unit && { unit }),
  })
  const length = Math.max(1, ...rows.map(({ name }) => name.length))
  return [
    {
      kind: 'empty',
      header: createHeader(
        cards.flatMap(([keyword, value, comment]) => (value === undefined ? [] : [[keyword, value, comment] as const])),
      ),
    },
    {
      ...{ kind: 'table', name: 'FITS', rows: rows.length },
      columns: [
        { name: 'template', format: `${length}A`, values: rows.map(({ name }) => name) },
        { name: 'fiber', format: 'J', values: Int32Array.from(rows, ({ fibre }) => fibre) },
        real('teff', (row) => row.teff, 'K'),
        real('logg', (row) => row.logg),
        real('metallicity', (row) => row.metallicity),
        real('vsini', (row) => row.vsini / 1000, 'km/s'),
        { ...real('chi2', (row) => row.chiSquare), comment: 'rough: in bins of half a line' },
      ],
    },
  ]
}
