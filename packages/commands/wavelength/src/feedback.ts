import { join } from 'node:path'
import type { Plan } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import type { WavelengthJob } from './plan.js'

/** What the arcs of a run say of each line of the list: how often it was seen and used, and where it lies beside its listed wavelength. */
export function writeLineFeedback(output: string, { jobs }: Plan<WavelengthJob>): string | undefined {
  const seen = new Map<
    number,
    { wavelength: number; residuals: number[]; velocities: number[]; used: number; flux: number[] }
  >()
  for (const { params } of jobs) {
    for (const line of params.arc?.solutions.flatMap(({ lines }) => lines) ?? []) {
      const one = seen.get(line.listed) ?? {
        wavelength: line.wavelength,
        residuals: [],
        velocities: [],
        used: 0,
        flux: [],
      }
      one.residuals.push(line.residual)
      one.velocities.push(line.velocity)
      one.flux.push(line.flux)
      if (line.used) one.used++
      seen.set(line.listed, one)
    }
  }
  if (seen.size === 0) return undefined
  const rows = [...seen.values()]
    .sort((a, b) => a.wavelength - b.wavelength)
    .map(({ wavelength, residuals, velocities, used, flux }) => [
      ...[wavelength.toFixed(6), String(residuals.length), String(used), medianOf(residuals).toFixed(6)],
      ...[medianOf(velocities).toFixed(1), residuals.length > 2 ? (MAD_TO_SIGMA * mad(velocities)).toFixed(1) : ''],
      medianOf(flux).toPrecision(5),
    ])
  const names = ['wavelength_angstrom', 'seen', 'used', 'residual_angstrom', 'residual_m_s', 'scatter_m_s', 'flux']
  const path = join(output, 'wavelength-lines.csv')
  writeAtomically(path, `${[names, ...rows].map((row) => row.join(',')).join('\n')}\n`)
  return path
}
