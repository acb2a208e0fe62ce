import type { Tree } from '@nightpipe/spectrographs'
import type { ExposureRow } from './exposures.js'

const GAUGES: readonly [keyof ExposureRow & string, string, string][] = [
  ['snr', 'nightpipe_exposure_snr', 'signal to noise of a column of the brightest fibre'],
  ['drift_m_s', 'nightpipe_exposure_drift_metres_per_second', 'drift against the arc'],
  ['residual_m_s', 'nightpipe_exposure_residual_metres_per_second', 'scatter of lamp lines about the wavelengths'],
  ['rv_m_s', 'nightpipe_exposure_velocity_metres_per_second', 'barycentric radial velocity'],
  ['rv_error_m_s', 'nightpipe_exposure_velocity_error_metres_per_second', 'one sigma of the radial velocity'],
  ['cosmic_px', 'nightpipe_exposure_cosmic_pixels', 'pixels that the profile did not allow'],
  ['seconds', 'nightpipe_exposure_seconds', 'time that the reduction took'],
]

const escaped = (text: string) => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
const labels = (all: Record<string, string>) =>
  `{${Object.entries(all)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')}}`

/** The exposures in the text format of Prometheus, for its collector of text files. */
export function prometheusText(
  { site, instrument }: Pick<Tree, 'site' | 'instrument'>,
  rows: readonly ExposureRow[],
): string {
  const place = { site, instrument }
  const blocks = GAUGES.map(([column, name, doc]) => {
    const lines = rows.flatMap((row) => {
      const value = row[column] as number | undefined
      if (value === undefined) return []
      const exposure = { exposure: row.name, type: row.type ?? 'unknown', target: row.target ?? '' }
      return [`${name}${labels({ ...place, ...exposure })} ${Number(value.toPrecision(12))}\n`]
    })
    return lines.length ? `# HELP ${name} ${doc}\n# TYPE ${name} gauge\n${lines.join('')}` : ''
  })
  const kinds = new Map<string, number>()
  for (const { status, type = 'unknown' } of rows) {
    const key = labels({ ...place, type, status })
    kinds.set(key, (kinds.get(key) ?? 0) + 1)
  }
  const counts = [...kinds].sort().map(([key, count]) => `nightpipe_exposures${key} ${count}\n`)
  const head =
    '# HELP nightpipe_exposures exposures of the window, by what became of them\n# TYPE nightpipe_exposures gauge\n'
  return `${blocks.join('')}${head}${counts.join('')}`
}
