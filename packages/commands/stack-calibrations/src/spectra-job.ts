import type { Tree } from '@nightpipe/spectrographs'

/** A single product of extraction, as the table of the tree knows it. */
export interface SpectraSingle {
  path: string
  mjd: number
  camera: string
  /** with light, as its flags say */
  fibres?: readonly number[]
  /** an image of raw flats combined, of which the spectra are yet to be taken */
  image?: boolean
}

/** Extracted spectra to be combined. Plain data. */
export interface SpectraJob {
  kind: 'FLAT' | 'DOUBLE' | 'ZERO'
  tree: Tree
  singles: SpectraSingle[]
  /** of templates */
  target: string
  /** of flats that are images yet: where their orders are */
  traces?: string
}
