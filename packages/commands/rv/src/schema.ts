import { type ConfigOf, choice, integer, number, path, text } from '@nightpipe/config'

/** Every key of rv.ini, once. */
export const schema = {
  velocity: {
    template: path('', 'template of velocity (ZERO file); empty: in a tree the one that zeros.csv has for the star'),
    mask: path(
      '',
      'lines of a mask: text or CSV with wavelength and weight, or start, end and weight (Angstrom); empty: those of the template, or else lines of iron that ship with this command',
    ),
    'mask medium': choice('vacuum', ['vacuum', 'air'], 'what the wavelengths of the mask are in'),
    method: choice('auto', ['auto', 'template', 'mask'], 'what gives RV; auto: the template where there is one'),
    degree: integer(4, 'degree of the polynomial by which the continuum of an order may differ from the template', {
      ...{ min: 0, max: 12 },
    }),
    clip: number(5, 'pixels further from the fit are set aside, once the velocity has converged', {
      unit: 'sigma',
      min: 2,
    }),
    search: number(500, 'how far the star may be shifted against the template', { unit: 'km/s', min: 1, max: 3000 }),
    guess: number(undefined, 'measured velocity to start from, instead of a search; of the template or mask at rest', {
      ...{ optional: true, unit: 'km/s' },
    }),
    tellurics: text(
      'auto',
      'where the air absorbs: standard bands, none, or a CSV with from and to (vacuum, Angstrom); auto: the standard ones, unless the A band of oxygen is covered and not there',
    ),
    first: integer(undefined, 'first order that counts, as its index', { optional: true, min: 0 }),
    last: integer(undefined, 'last order that counts, as its index', { optional: true, min: 0 }),
    blocks: integer(12, 'pieces of an order for the block fit', { min: 1, max: 64 }),
    range: number(30, 'half of the velocities of the mean line profile, about the star', { unit: 'km/s', min: 2 }),
  },
  barycentre: {
    targets: path('', 'catalogue of stars, in the columns of targets.csv; in a tree its own'),
    place: choice(
      'auto',
      ['auto', 'header'],
      'coordinates: the catalogue, unless the header knows the motion; or the header',
    ),
    secular: choice(
      'remove',
      ['remove', 'keep'],
      'the secular acceleration of a near star, since the epoch of its place',
    ),
    longitude: number(undefined, 'of the telescope, where the header has none', { optional: true, unit: 'deg east' }),
    latitude: number(undefined, 'of the telescope, where the header has none', { optional: true, unit: 'deg north' }),
    height: number(0, 'of the telescope, where the header has none', { unit: 'm' }),
    ut1: path('', 'UT1 - UTC of your own: CSV with mjd and dut1 (s); empty: the table of the IERS, to 2027'),
  },
  products: {
    plots: choice('yes', ['yes', 'no'], 'a picture of correlation, velocities of orders and lines'),
  },
}

export type RvSchema = typeof schema
export type RvConfig = ConfigOf<RvSchema>
