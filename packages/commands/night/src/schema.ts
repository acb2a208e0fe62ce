import { type ConfigOf, flag, number } from '@nightpipe/config'

/** Every key of night-echelle.ini, once. The commands that it runs have their INI files in config/ of the tree. */
export const schema = {
  night: {
    'least snr': number(3, 'a star of less signal to noise in a column is set aside as clouded out', { min: 0 }),
    pack: flag(true, 'make the bundle of each exposure, in tar/'),
    keep: flag(false, 'keep the calibrated frames in temp/ when all that comes of them is done'),
  },
}
export type NightSchema = typeof schema
export type NightConfig = ConfigOf<NightSchema>
