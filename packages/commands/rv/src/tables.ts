import type { NewHdu } from '@nightpipe/fits'
import { LIGHT_SPEED } from '@nightpipe/math'
import { correlationWindow } from '@nightpipe/spectrographs'
import type { StarVelocity } from './job.js'

/** Velocities of orders, correlation with the template, mean line: as tables of the -1d file. */
export function velocityTables(stars: readonly StarVelocity[]): NewHdu[] {
  return [...orderTable(stars), ...correlationTable(stars), ...lineTable(stars)]
}

function orderTable(stars: readonly StarVelocity[]): NewHdu[] {
  const rows = stars.flatMap(({ circumstances, measured }) => {
    const z = circumstances.correction?.z
    const at = (velocity: number) =>
      z === undefined ? Number.NaN : LIGHT_SPEED * ((1 + velocity / LIGHT_SPEED) * (1 + z) - 1)
    return (measured.velocity?.orders ?? []).map((one) => ({
      ...one,
      fibre: circumstances.fibre,
      rv: at(one.velocity),
    }))
  })
  if (rows.length === 0) return []
  const whole = (name: string, value: (row: (typeof rows)[number]) => number, comment: string) =>
    ({ name, format: 'J', values: Int32Array.from(rows, value), comment }) as const
  const real = (name: string, value: (row: (typeof rows)[number]) => number, comment: string, unit?: string) => ({
    ...{ name, format: 'D', values: Float64Array.from(rows, value), comment },
    ...(unit && { unit }),
  })
  return [
    {
      ...{ kind: 'table', name: 'VELOCITY', rows: rows.length },
      columns: [
        whole('fiber', (row) => row.fibre, 'fiber of the star'),
        whole('index', (row) => row.index, 'of the order'),
        whole('order', (row) => row.order, 'diffraction order, 0: unknown'),
        real('measured', (row) => row.velocity, 'c z as seen', 'm/s'),
        real('rv', (row) => row.rv, 'barycentric', 'm/s'),
        real('error', (row) => row.error, 'one sigma', 'm/s'),
        real('template', (row) => row.noise, 'one sigma, from the noise of the template', 'm/s'),
        real('limit', (row) => row.limit, 'the photons alone would allow', 'm/s'),
        real('chi2', (row) => row.reducedChiSquare, 'chi square over degrees of freedom'),
        whole('pixels', (row) => row.pixels, 'used'),
        whole('clipped', (row) => row.clipped, 'set aside'),
        whole('used', (row) => (row.used ? 1 : 0), '1: counts in RV'),
      ],
    },
  ]
}

function correlationTable(stars: readonly StarVelocity[]): NewHdu[] {
  const told = stars.flatMap(({ circumstances: { fibre }, measured: { correlation } }) =>
    correlation ? [{ fibre, ...correlationWindow(correlation) }] : [],
  )
  if (told.length === 0) return []
  const size = told[0]!.lag.length
  return [
    {
      ...{ kind: 'table', name: 'CCF', rows: told.length },
      columns: [
        { name: 'fiber', format: 'J', values: Int32Array.from(told, ({ fibre }) => fibre) },
        { name: 'v', format: `${size}E`, unit: 'km/s', values: joined(told.map(({ lag }) => lag)) },
        { name: 'xcor', format: `${size}E`, values: joined(told.map(({ height }) => height)) },
      ],
    },
  ]
}

function lineTable(stars: readonly StarVelocity[]): NewHdu[] {
  const told = stars.flatMap(({ circumstances: { fibre }, measured: { line } }) => (line ? [{ fibre, line }] : []))
  if (told.length === 0) return []
  const size = Math.max(...told.map(({ line }) => line.velocity.length))
  const padded = (values: Float64Array) => Float32Array.from({ length: size }, (_, k) => values[k] ?? Number.NaN)
  const column = (name: string, of: (one: (typeof told)[number]) => Float64Array, unit?: string) => ({
    ...{ name, format: `${size}E`, values: joined(told.map((one) => padded(of(one)))) },
    ...(unit && { unit }),
  })
  return [
    {
      ...{ kind: 'table', name: 'LINE', rows: told.length },
      columns: [
        { name: 'fiber', format: 'J', values: Int32Array.from(told, ({ fibre }) => fibre) },
        column('v', ({ line }) => line.velocity.map((v) => v / 1000), 'km/s'),
        column('profile', ({ line }) => line.value),
        column('error', ({ line }) => line.error),
      ],
    },
  ]
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
