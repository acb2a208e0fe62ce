import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Request, Row, Verdict } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import { writeFigure } from '@nightpipe/plot'
import { formatCsv } from '@nightpipe/table'
import { figuresOf } from './figures.js'
import { lightCurves } from './light-curves.js'
import { linkStars } from './link-stars.js'
import { readSeriesFrame } from './read-product.js'
import type { PhotometrySchema } from './schema.js'
import { airRows, curveRows, starRows, targetNames, zeroRows } from './series-tables.js'

/** After all frames: zero points against airmass, light curves, stars and figures of the series. */
export async function makeSeries(
  request: Request<PhotometrySchema>,
  rows: readonly Row[],
): Promise<Verdict | undefined> {
  const { config, output, log } = request
  const done = rows
    .filter(({ status, product }) => status === 'done' && product !== undefined && existsSync(product))
    .sort((a, b) => (a.product! < b.product! ? -1 : 1))
  if (done.length === 0 || config.psf.model === 'only') return undefined
  const frames = done.map(({ product, input }) => readSeriesFrame(product!, input))
  const products: string[] = []
  const write = (name: string, table: string[][]) => {
    const path = join(output, name)
    writeAtomically(path, formatCsv(table))
    products.push(path)
  }
  const zeros = zeroRows(frames)
  write('zeropoints.csv', zeros.table)
  if (zeros.air.length > 0) write('extinction.csv', airRows(zeros.air))
  for (const line of zeros.extinction) log.info(line)
  const wanted = config.series.curves && frames.length > 1
  const linked = wanted
    ? linkStars(frames, config.series.radius, Math.max(2, config.series.frames * smallest(frames)))
    : undefined
  for (const { frame, reason } of linked?.lost ?? [])
    log.warn(`${frames[frame]!.name}: not in the light curves: ${reason}`)
  const curves = linked && linked.count > 0 ? lightCurves(frames, linked, config, request.memoryBytes) : []
  if (linked && curves.length > 0) {
    const names = targetNames(frames, linked)
    write('stars.csv', starRows(curves, linked, names))
    write('lightcurves.csv', curveRows(curves, frames, linked, names, config.targets.significance))
  }
  if (config.series.plots !== 'no') {
    for (const { name, figure } of figuresOf(frames, linked, curves, config)) {
      const path = join(output, `${name}.${config.series.plots}`)
      await writeFigure(path, figure)
      products.push(path)
    }
  }
  return { ok: true, reasons: [], products }
}

/** Frames of the filter with the fewest. */
function smallest(frames: readonly { filter: string }[]): number {
  const counts = new Map<string, number>()
  for (const { filter } of frames) counts.set(filter, (counts.get(filter) ?? 0) + 1)
  return Math.min(...counts.values())
}
