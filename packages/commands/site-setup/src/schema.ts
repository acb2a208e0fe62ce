import { type ConfigOf, integer, number } from '@nightpipe/config'

/** Every key of site-setup.ini, once. The commands that it runs have their INI files in config/ of the tree. */
export const schema = {
  setup: {
    'least snr': number(3, 'a star of less signal to noise in a column is set aside as clouded out', { min: 0 }),
    'template frames': integer(2, 'spectra of one star that a velocity template takes', { min: 1 }),
  },
}
export type SetupSchema = typeof schema
export type SetupConfig = ConfigOf<SetupSchema>
