import type { TriggerContext } from '@nightpipe/alerts'

/** A picture of a field in one filter. */
export interface FieldPicture {
  filter: string
  /** what it shows: stacking, alignment, … */
  stage: string
  product: string
  width: number
  height: number
  /** frames that went into it, where it tells */
  frames?: number
  /** seconds of exposure */
  exposure?: number
  /** pixels counted from 0 */
  stars: { x: number; y: number; magnitude?: number }[]
  /** candidates on it, likewise */
  marks: { number: number; x: number; y: number }[]
  /** where the event is said to be, and the circle that holds it */
  circle?: { x: number; y: number; radius: number }
}

/** What was measured on one frame. */
export interface FramePoint {
  stem: string
  filter: string
  mjd?: number
  /** columns of the reports of findstars and photometry */
  values: Record<string, number>
}

export interface Candidate {
  number: number
  filter: string
  stem: string
  /** pixels of the frame, counted from 1 */
  x: number
  y: number
  ra?: number
  dec?: number
  significance?: number
  magnitude?: number
  error?: number
  mjd?: number
  /** frames in which something was found there, or on its way */
  detections: number
  /** what it is, if it moves from frame to frame */
  mover?: { name: string; rate: number; unit: 'arcsec/h' | 'px/h' }
  /** what vetting says of it */
  note?: string
  status?: string
}

export interface CurvePoint {
  mjd: number
  magnitude: number
  error?: number
  /** fainter than this: nothing was seen */
  limit: boolean
  filter: string
  /** no catalogue was there to bring it to true magnitudes */
  instrumental?: true
}

export interface LightCurve {
  name: string
  ra?: number
  dec?: number
  points: CurvePoint[]
}

/** All that the page of a field tells, without pixels: the JSON. */
export interface Field {
  title: string
  /** time of the event, MJD UTC */
  t0?: number
  /** the event that the field was observed for */
  event?: TriggerContext
  filters: string[]
  /** of the middle of the first picture with a plate solution, degrees */
  ra?: number
  dec?: number
  pictures: FieldPicture[]
  frames: FramePoint[]
  candidates: Candidate[]
  curves: LightCurve[]
  warnings: string[]
  products: { stage: string; path: string }[]
}
