import { type ConfigOf, choice, flag, integer, number, text } from '@nightpipe/config'

/** Every key of wavelength.ini, once. */
export const schema = {
  wavelength: {
    model: choice(
      'polynomial',
      ['polynomial', 'optics'],
      'polynomial: order times wavelength as a polynomial of pixel and order, each fibre by itself; optics: the physical model of ' +
        'spectrographs.csv with 15 residual terms, other fibres displaced by ten (in a tree)',
    ),
    'degree x': integer(7, 'highest degree along the orders; fewer are taken where they predict as well', {
      min: 2,
      max: 12,
    }),
    'degree order': integer(7, 'the same over the orders', { min: 1, max: 12 }),
    clip: number(4, 'lines further than this from the fit are set aside', { unit: 'sigma', min: 2 }),
    'air formula': choice('ciddor', ['ciddor', 'edlen66'], 'refractive index of air for wavelength_air'),
  },
  lines: {
    list: text('', 'list of lines: a name of configs/lines, or a file; empty: what the profile says'),
    'list air': choice(
      'auto',
      ['auto', 'vacuum', 'air'],
      'wavelengths of the list are in; auto: air where the list says so',
    ),
    neighbours: text(
      'auto',
      'list of all lines of the lamp, in the intensities of the list: their light is reckoned with beside that of the list; ' +
        'auto: NAME-full.csv beside NAME.csv; none',
    ),
    threshold: number(5, 'how far lines stand above the noise', { unit: 'sigma', min: 2 }),
    width: number(0, 'width of the lines (FWHM); 0: measured', { unit: 'px', min: 0 }),
  },
  arcs: {
    'maximum age': number(0, 'arcs further in time from an exposure than this are not used; 0: any age', {
      unit: 'day',
      min: 0,
    }),
    together: number(
      200,
      'where the lamp beside the star shows the drift, arcs taken within so much of an exposure serve together: alike where the ' +
        'fibres lie alike in all of them, the nearest the more the faster they wander; 0: those of the nearest night alone',
      { unit: 'day', min: 0 },
    ),
    interpolate: flag(true, 'between the arcs before and after an exposure; else the nearest serves'),
  },
  drift: {
    apply: flag(true, 'move wavelengths by what the lamp fibre of an exposure drifted since its arc'),
    linear: flag(true, 'the drift may change along x and over the orders'),
    reach: number(1.5, 'lines are the same when they moved by less than this part of their width', {
      unit: 'FWHM',
      min: 0.2,
    }),
  },
  products: {
    figures: flag(true, 'a figure of the residuals of each arc'),
  },
}

export type WavelengthSchema = typeof schema
export type WavelengthConfig = ConfigOf<WavelengthSchema>
