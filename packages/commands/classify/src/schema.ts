import { choice, integer, number, path } from '@nightpipe/config'

/** Every key of classify.ini, once. */
export const schema = {
  classify: {
    set: path('', 'folder of templates, as classify import makes it; empty: there is none, and every star is told so'),
    resolution: number(
      0,
      'of the spectrograph: wavelength over FWHM of a line of a lamp, pixels included; 0: as wavelength measured it on its arcs (RESOLUT)',
      { min: 0 },
    ),
    orders: integer(10, 'orders that are compared, spread over the spectrum', { min: 1, max: 200 }),
    tellurics: choice('leave out', ['leave out', 'keep'], 'pixels where the air absorbs'),
    plots: choice('yes', ['yes', 'no'], 'a picture of the fit, and of the star among the templates'),
  },
}
export type ClassifySchema = typeof schema

export const importSchema = {
  import: {
    index: path(
      '',
      'CSV with file, teff_k, logg_dex, metallicity_dex, vsini_km_s, resolution; empty: from the headers',
    ),
    medium: choice('vacuum', ['vacuum', 'air'], 'what the wavelengths are in'),
    unit: choice('angstrom', ['angstrom', 'nm', 'um'], 'of the wavelengths'),
    wavelengths: path('', 'FITS image of the wavelengths, where the spectra are images without (PHOENIX)'),
    from: number(3700, 'shortest wavelength that is kept', { unit: 'Angstrom', min: 100 }),
    to: number(9300, 'longest wavelength that is kept', { unit: 'Angstrom', min: 200 }),
    step: number(500, 'sampling', { unit: 'm/s', min: 50, max: 20000 }),
  },
}
export type ImportSchema = typeof importSchema
