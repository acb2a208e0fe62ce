import { SOURCE, type Sources, sourceAt } from './sources.js'

/** Wings are followed over so many semi-axes, and pixels. */
const REACH = 10
const FARTHEST = 300
/** Sources are kept by cells of so many pixels; a row of cells has room for any frame. */
const CELL = 32
const ROW = 1 << 20

/**
 * The sources that would have been found without their brighter neighbours. The others stand no higher than the wings
 * of a neighbour, a Moffat profile of this exponent, would there: they go. (Bertin & Arnouts 1996.)
 */
export function cleanSources(sources: Sources, limit: number, exponent: number): number[] {
  const all = Array.from({ length: sources.count }, (_, i) => i)
  if (!(exponent > 0)) return all
  const of = (i: number, field: (typeof SOURCE)[keyof typeof SOURCE]) => sourceAt(sources, i, field)
  const flux = Float64Array.from(all, (i) => of(i, SOURCE.filteredFlux))
  const cells = new Map<number, Wings[]>()
  const removed = new Uint8Array(sources.count)
  for (const i of all.toSorted((p, q) => flux[q] - flux[p] || p - q)) {
    const [x, y] = [of(i, SOURCE.x), of(i, SOURCE.y)]
    const peak = of(i, SOURCE.filteredPeak)
    const near = cells.get(Math.floor(y / CELL) * ROW + Math.floor(x / CELL))
    if (near?.some((wings) => lightAt(wings, x, y, exponent) > peak)) {
      removed[i] = 1
      continue
    }
    addWings(cells, wingsOf(sources, i, limit, exponent), Math.min(REACH * of(i, SOURCE.a), FARTHEST))
  }
  return all.filter((i) => removed[i] === 0)
}

function addWings(cells: Map<number, Wings[]>, wings: Wings, reach: number): void {
  for (let y = Math.floor((wings.y - reach) / CELL); y <= (wings.y + reach) / CELL; y++) {
    for (let x = Math.floor((wings.x - reach) / CELL); x <= (wings.x + reach) / CELL; x++) {
      const list = cells.get(y * ROW + x)
      if (list) list.push(wings)
      else cells.set(y * ROW + x, [wings])
    }
  }
}

/** A Moffat profile, that of a source that falls to the limit where its isophote ends. */
interface Wings {
  x: number
  y: number
  xx: number
  yy: number
  xy: number
  amplitude: number
}

function wingsOf(sources: Sources, i: number, limit: number, exponent: number): Wings {
  const of = (field: (typeof SOURCE)[keyof typeof SOURCE]) => sourceAt(sources, i, field)
  const unit = Math.PI * of(SOURCE.a) * of(SOURCE.b)
  const amplitude = of(SOURCE.filteredFlux) / (2 * unit)
  const alpha = ((Math.max(amplitude / limit, 1) ** (1 / exponent) - 1) * unit) / of(SOURCE.area)
  const scaled = { xx: alpha * of(SOURCE.xx), yy: alpha * of(SOURCE.yy), xy: alpha * of(SOURCE.xy) }
  return { x: of(SOURCE.x), y: of(SOURCE.y), ...scaled, amplitude }
}

function lightAt(wings: Wings, x: number, y: number, exponent: number): number {
  const dx = x - wings.x
  const dy = y - wings.y
  const fall = 1 + wings.xx * dx * dx + wings.yy * dy * dy + wings.xy * dx * dy
  return exponent === 1 ? wings.amplitude / fall : wings.amplitude * fall ** -exponent
}
