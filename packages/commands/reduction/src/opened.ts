import type { Hdu, Onlooker } from '@nightpipe/fits'
import type { AlignedReader } from './planes.js'

/** A frame or a master whose file is open. */
export interface Open {
  image: Hdu
  /** To be shown its pixels, when they are looked through while they are read. */
  see?: Onlooker
  error?: Hdu
  mask?: Hdu
  /** Of a bias that is not taken pixel by pixel: its level and error. */
  quiet?: { pixels: AlignedReader; error?: AlignedReader }
}
