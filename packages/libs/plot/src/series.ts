export interface Axis {
  /** What it shows, with the unit: `level (adu)`. */
  label: string
  log?: boolean
  /** Values are MJD, and are written as dates. */
  time?: boolean
  /** Brighter is up: magnitudes. */
  inverted?: boolean
  range?: readonly [number, number]
}

interface Common {
  /** For the legend; a series without one is not in it. */
  label?: string
  colour?: string
}
export type Series =
  | (Common & { kind: 'line'; x: ArrayLike<number>; y: ArrayLike<number>; dashed?: boolean })
  | (Common & {
      kind: 'points'
      x: ArrayLike<number>
      y: ArrayLike<number>
      error?: ArrayLike<number>
      marker?: 'disc' | 'ring' | 'cross'
    })
  | (Common & { kind: 'histogram'; values: ArrayLike<number>; bins?: number; range?: readonly [number, number] })
  | (Common & { kind: 'level'; y: number })
  | (Common & { kind: 'position'; x: number })

export interface Chart {
  title: string
  x: Axis
  y: Axis
  series: readonly Series[]
  width?: number
  height?: number
}

/** What is left to draw when histograms have become bars. */
export type Drawn =
  | Exclude<Series, { kind: 'histogram' }>
  | (Common & { kind: 'bars'; edges: number[]; counts: number[] })
