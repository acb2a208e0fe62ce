import { column, type FitsFile, type NewHdu, readTable } from '@nightpipe/fits'

/** What one arc brings into the zero point of the wavelengths of a fibre. */
export interface ArcPart {
  fibre: number
  /** middle of the arc: which arc it is */
  mjd: number
  /** the noise of its own solution, or that of its place beside the other arcs where they are compared */
  what: 'fit' | 'place'
  share: number
  /** one sigma, m/s, of which the wavelengths have that share */
  error: number
}

/** The table that tells it, of an exposure or of a template; of an average of arcs it has the shares of its members. */
export const WAVE_ARCS = 'WAVEARCS'

/** Times of one arc in files of several kinds agree to this, days: it is the middle of the arc in all, and arcs of lamps follow one another within a minute. */
const SAME_ARC = 0.0002

/** Whether two times in days, each the middle of an arc, are those of one arc. */
export const sameArc = (a: { mjd: number }, b: { mjd: number }): boolean => Math.abs(a.mjd - b.mjd) < SAME_ARC

export function waveArcsHdus(parts: readonly ArcPart[]): NewHdu[] {
  if (parts.length === 0) return []
  const real = (name: string, of: (part: ArcPart) => number, comment: string, unit?: string) => ({
    ...{ name, format: 'D', values: Float64Array.from(parts, of), comment },
    ...(unit && { unit }),
  })
  return [
    {
      ...{ kind: 'table', name: WAVE_ARCS, rows: parts.length },
      columns: [
        { name: 'fiber', format: 'J', values: Int32Array.from(parts, ({ fibre }) => fibre) },
        real('mjd', ({ mjd }) => mjd, 'middle of the arc', 'd'),
        { name: 'what', format: '5A', values: parts.map(({ what }) => what), comment: 'its fit, or its place' },
        real('share', ({ share }) => share, 'in the wavelengths'),
        real('error', ({ error }) => error, 'one sigma of its zero point', 'm/s'),
      ],
    },
  ]
}

/** Reads them; undefined where a file does not tell. */
export function readWaveArcs(file: FitsFile): ArcPart[] | undefined {
  const hdu = file.hdus.find(({ name, kind }) => name === WAVE_ARCS && kind === 'table')
  if (!hdu) return undefined
  const table = readTable(hdu)
  const of = (name: string) => column(table, name)?.values as ArrayLike<number | string> | undefined
  const columns = ['fiber', 'mjd', 'what', 'share', 'error'].map(of)
  if (columns.some((one) => !one)) return undefined
  const [fibre, mjd, what, share, error] = columns as ArrayLike<number | string>[]
  return Array.from(
    mjd!,
    (_, k): ArcPart => ({
      ...{ fibre: Number(fibre![k]), mjd: Number(mjd![k]), share: Number(share![k]), error: Number(error![k]) },
      what: String(what![k]).trim() === 'place' ? 'place' : 'fit',
    }),
  )
}

/**
 * The same parts where an arc is the average of others: each member has its share, and the error of the average is theirs together. Averages
 * that have members in common are then known to have them.
 */
export function ofMembers(part: ArcPart, members: readonly ArcPart[] | undefined): ArcPart[] {
  const own = members?.filter(({ fibre }) => fibre === part.fibre) ?? []
  const together = zeroErrorOf(own)
  if (!(together > 0)) return [part]
  return own.map(({ mjd, share, error }) => ({
    ...part,
    ...{ mjd, share: part.share * share, error: (error * part.error) / together },
  }))
}

/** One sigma of the zero point, m/s. */
export const zeroErrorOf = (parts: readonly ArcPart[]): number =>
  Math.hypot(...united(parts).map(({ share, error }) => share * error))

/**
 * The zero point of an exposure against that of a template: what both have of an arc is in both, and drops out. `own` is what the arcs
 * of the exposure leave, `reference` what the arcs bring that the template alone has: the same for all that is compared with it.
 */
export function zeroErrorAgainst(parts: readonly ArcPart[], reference: readonly ArcPart[]) {
  const left = new Set(united(reference))
  const own = united(parts).map((part) => {
    const same = nearest(part, left)
    if (same) left.delete(same)
    return { ...part, share: part.share - (same?.share ?? 0) }
  })
  return { own: zeroErrorOf(own), reference: zeroErrorOf([...left]) }
}

/** The parts of a mean of several exposures of one fibre; undefined where one of them does not tell. */
export function meanArcParts(
  series: readonly { parts: readonly ArcPart[] | undefined; weight: number }[],
): ArcPart[] | undefined {
  const whole = series.reduce((sum, { weight }) => sum + weight, 0)
  if (!(whole > 0)) return undefined
  const mean = new Set<ArcPart>()
  for (const { parts, weight } of series) {
    if (!parts || parts.length === 0) return undefined
    const others = new Set(mean)
    for (const part of united(parts)) {
      const share = (part.share * weight) / whole
      const same = nearest(part, others)
      if (same) same.share += share
      else mean.add({ ...part, share })
      if (same) others.delete(same)
    }
  }
  return [...mean].sort((a, b) => a.mjd - b.mjd || (a.what < b.what ? -1 : 1))
}

/** One part for each arc: averages may have members in common. */
function united(parts: readonly ArcPart[]): ArcPart[] {
  const out: ArcPart[] = []
  for (const part of parts) {
    const same = nearest(part, out)
    if (same) same.share += part.share
    else out.push({ ...part })
  }
  return out
}

/** The same of the same arc. */
function nearest(part: ArcPart, some: Iterable<ArcPart>): ArcPart | undefined {
  let found: ArcPart | undefined
  for (const one of some) {
    const away = Math.abs(one.mjd - part.mjd)
    if (one.what !== part.what || one.fibre !== part.fibre || !sameArc(one, part)) continue
    if (!found || away < Math.abs(found.mjd - part.mjd)) found = one
  }
  return found
}
