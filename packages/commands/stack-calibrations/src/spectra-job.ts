import type { Tree } from '@nightpipe/spectrographs'

/** A single product of extraction, as the table of the tree knows it. */
export interface SpectraSingle {
  path: string
  mjd: number
  camera: string
  /** with light, as its flags say */
  fibres?: readonly number[]
}

/** Extracted spectra to be combined. Plain data. */
export interface SpectraJob {
  kind: 'FLAT' | 'DOUBLE' | 'ZERO'
  tree: Tree
  singles: SpectraSingle[]
  /** of templates */
  target: string
}
