import type { NewColumn, NewHdu } from '@nightpipe/fits'
import type { TargetMeasure } from './measure-targets.js'

/** The targets, whether seen or not: an upper limit has a column of its own. */
export function targetTable(targets: readonly TargetMeasure[], unit: string): NewHdu {
  const column = (
    name: string,
    of: (target: TargetMeasure) => number | undefined,
    comment: string,
    unit: string,
  ): NewColumn => ({
    ...{ name, format: 'D', comment, unit },
    values: Float64Array.from(targets, (target) => of(target) ?? Number.NaN),
  })
  const names = targets.map(({ name }) => name)
  const longest = Math.max(1, ...names.map(({ length }) => length))
  return {
    ...{ kind: 'table', name: 'TARGETS', rows: targets.length },
    columns: [
      { name: 'NAME', values: names, comment: 'of the list', format: `${longest}A` },
      column('X', ({ x }) => x + 1, 'place; the first pixel is 1', 'pix'),
      column('Y', ({ y }) => y + 1, 'place; the first pixel is 1', 'pix'),
      column('RA', ({ ra }) => ra, 'right ascension', 'deg'),
      column('DEC', ({ dec }) => dec, 'declination', 'deg'),
      column('FLUX_TOTAL', ({ flux }) => flux, 'chosen circle over the growth curve', unit),
      column('FLUXERR_TOTAL', ({ fluxError }) => fluxError, 'one sigma of FLUX_TOTAL', unit),
      column('FLUX_PSF', ({ psfFlux }) => psfFlux, 'fit of the profile at that place', unit),
      column('FLUXERR_PSF', ({ psfFluxError }) => psfFluxError, 'one sigma of FLUX_PSF', unit),
      column('MAG', ({ magnitude }) => magnitude, 'magnitude where it is seen', 'mag'),
      column('MAGERR', ({ magnitudeError }) => magnitudeError, 'one sigma of MAG', 'mag'),
      column('MAG_LIMIT', ({ limit }) => limit, 'fainter than this where it is not seen', 'mag'),
      {
        ...{ name: 'FLAGS', format: 'I', comment: 'bits: what may be wrong' },
        values: Int16Array.from(targets, ({ flags }) => flags),
      },
    ],
  }
}
