import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readFrame } from '@nightpipe/fits'
import { leastSquares, legendre, medianOf } from '@nightpipe/math'
import { emptyTraces, extractOrders, setColumnsOnDetector, type Traces } from '@nightpipe/spectra'
import { FIXTURES } from '@nightpipe/testing'
import t from 'tap'

const folder = join(FIXTURES, 'echelle/mres')
const skip = existsSync(folder) ? false : 'the MRES frame is not here'

/** The traces of the fixture: y = a x² + b x + c of 50 orders. */
function mresTraces(width: number, height: number): Traces {
  const lines = readFileSync(join(folder, 'mres_traces.txt'), 'utf8').split('\n')
  const rows = lines.filter((line) => /^\d/.test(line)).slice(1)
  const traces = emptyTraces({ width, height, orders: rows.length, fibres: 1, terms: 3, rows: 5, blocks: 4 })
  rows.forEach((line, order) => {
    const [, , , a, b, c] = line.trim().split(/\s+/).map(Number) as [number, number, number, number, number, number]
    const columns = Array.from({ length: 100 }, (_, k) => k * 10)
    const terms = columns.flatMap((x) => [...legendre((2 * (x - width / 2)) / width, new Float64Array(3))])
    const { solution } = leastSquares(
      terms,
      columns.map((x) => a * x * x + b * x + c),
      3,
    )
    traces.coefficients.set(solution, 3 * order)
    setColumnsOnDetector(traces, order, 0)
  })
  return traces
}

function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const use = Array.from(a, (_, x) => x).filter((x) => Number.isFinite(a[x]))
  const mean = (v: ArrayLike<number>) => use.reduce((sum, x) => sum + v[x]!, 0) / use.length
  const [ma, mb] = [mean(a), mean(b)]
  const dot = (v: ArrayLike<number>, mv: number, w: ArrayLike<number>, mw: number) =>
    use.reduce((sum, x) => sum + (v[x]! - mv) * (w[x]! - mw), 0)
  return dot(a, ma, b, mb) / Math.sqrt(dot(a, ma, a, ma) * dot(b, mb, b, mb))
}

t.test('a real ThAr frame is extracted as the programs of its observatory did a minute later', { skip }, async (t) => {
  const frame = readFrame(join(folder, 'mres_thar_ref.fits'))
  const theirs = readFrame(join(folder, 'mres_thar_last.fits')) // orders of the next exposure, x the other way round
  const { width, height } = frame
  const level = medianOf(frame.pixels)
  const pixels = frame.pixels.map((value) => value - level)
  const noise = { readVariance: 25, perElectron: 1 / 0.55, high: 6, near: 4, low: 8, accuracy: 0.02 }
  for (const method of ['optimal', 'box'] as const) {
    const { orders } = extractOrders({ width, height, pixels }, mresTraces(width, height), { ...noise, method })
    t.equal(orders.length, 50)
    const alike = orders.map(({ index, flux }) =>
      correlation(flux, theirs.pixels.slice(index * width, (index + 1) * width).reverse()),
    )
    // the seventeen reddest orders hold argon lines that are saturated and bleed: there even plain sums agree to 0.99 only
    const close = alike.filter((r) => r > 0.999).length
    t.ok(close >= 28, `${method}: ${close} orders of 50 agree to 0.999`)
    t.ok(medianOf(alike) > 0.9997, `${method}: ${medianOf(alike).toFixed(5)}`)
  }
})
