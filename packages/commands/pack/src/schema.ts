import { type ConfigOf, flag, number } from '@nightpipe/config'

/** Every key of pack.ini, once. */
export const schema = {
  bundle: {
    'quantize level': number(
      64,
      'compressed spectra are exact to their noise over this; wavelengths are always exact',
      {
        min: 1,
      },
    ),
    figures: flag(true, 'figures of the spectra, as a PDF'),
  },
}
export type PackSchema = typeof schema
export type PackConfig = ConfigOf<PackSchema>
