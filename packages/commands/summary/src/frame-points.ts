import { dirname } from 'node:path'
import { type Product, reportOf } from './collect.js'
import type { FramePoint } from './field.js'

/** Columns of reports that are no measurements. */
const ASIDE = ['input', 'status', 'reason', 'product', 'seconds']

/** What findstars, astrometry and photometry measured on each frame, from their reports beside the products. */
export function frames(products: readonly Product[]): FramePoint[] {
  const points = new Map<string, FramePoint>()
  const reports = new Map<string, ReturnType<typeof reportOf>>()
  for (const { path, stage, stem, filter, mjd, kind } of products) {
    if (!['findstars', 'astrometry', 'photometry', 'alignment'].includes(stage) || kind === 'candidates') continue
    const key = `${dirname(path)} ${stage}`
    const report = reports.get(key) ?? reportOf(dirname(path), stage)
    reports.set(key, report)
    const record = report.get(stem)
    if (!record) continue
    const values = Object.entries(record).flatMap(([name, text]): [string, number][] => {
      const value = Number(text)
      return ASIDE.includes(name) || text === '' || !Number.isFinite(value) ? [] : [[name, value]]
    })
    const point = points.get(`${filter} ${stem}`) ?? { stem, filter, mjd, values: {} }
    Object.assign(point.values, Object.fromEntries(values))
    points.set(`${filter} ${stem}`, point)
  }
  return [...points.values()].sort((a, b) => (a.mjd ?? 0) - (b.mjd ?? 0) || (a.stem < b.stem ? -1 : 1))
}
