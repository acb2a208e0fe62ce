import { SOURCE, type SourceField, type Sources, sourceAt } from './sources.js'

/** Wings are followed over so many times the semi-axes of the two sources together. */
const REACH = 10
/** Sources are kept by cells of so many pixels; a row of cells has room for any frame. */
const CELL = 32
const ROW = 1 << 20

/**
 * The sources that would have been found without their brighter neighbours. The others have fewer than the least
 * number of pixels left above their isophote when the wings of a neighbour, a Moffat profile of this exponent, are taken
 * off: they go. (Bertin & Arnouts 1996.)
 */
export function cleanSources(sources: Sources, exponent: number): number[] {
  const all = Array.from({ length: sources.count }, (_, i) => i)
  if (!(exponent > 0)) return all
  const of = (i: number, field: SourceField) => sourceAt(sources, i, field)
  const flux = Float64Array.from(all, (i) => of(i, SOURCE.filteredFlux))
  const cells = new Map<number, Wings[]>()
  const removed = new Uint8Array(sources.count)
  for (const i of all.toSorted((p, q) => flux[q] - flux[p] || p - q)) {
    const [x, y] = [of(i, SOURCE.x), of(i, SOURCE.y)]
    const held = of(i, SOURCE.held) - of(i, SOURCE.limit)
    const near = cells.get(Math.floor(y / CELL) * ROW + Math.floor(x / CELL))
    const a = of(i, SOURCE.a)
    if (near?.some((wings) => lightAt(wings, x, y, a, exponent) > held)) {
      removed[i] = 1
      continue
    }
    addWings(cells, wingsOf(sources, i, exponent), REACH * 2 * a)
  }
  return all.filter((i) => removed[i] === 0)
}

/** A source that wings eat is fainter, and seldom larger. */
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
  a: number
  xx: number
  yy: number
  xy: number
  amplitude: number
}

function wingsOf(sources: Sources, i: number, exponent: number): Wings {
  const of = (field: SourceField) => sourceAt(sources, i, field)
  const unit = Math.PI * of(SOURCE.a) * of(SOURCE.b)
  const amplitude = of(SOURCE.filteredFlux) / (2 * unit * insideIsophote(of))
  const alpha = ((Math.max(amplitude / of(SOURCE.limit), 1) ** (1 / exponent) - 1) * unit) / of(SOURCE.area)
  const scaled = { xx: alpha * of(SOURCE.xx), yy: alpha * of(SOURCE.yy), xy: alpha * of(SOURCE.xy) }
  return { x: of(SOURCE.x), y: of(SOURCE.y), a: of(SOURCE.a), ...scaled, amplitude }
}

/** The part of a Gaussian that its isophote holds, told by how its area shrinks towards the peak. */
function insideIsophote(of: (field: SourceField) => number): number {
  const limit = of(SOURCE.limit)
  const ratio = (2 * limit) / (limit + of(SOURCE.filteredPeak))
  const shrink = Math.min(of(SOURCE.upper) - of(SOURCE.area), 0) || -1
  const held = shrink / (2 * Math.PI * Math.log(Math.min(ratio, 0.99)) * of(SOURCE.a) * of(SOURCE.b))
  return Math.min(held, 1)
}

function lightAt(wings: Wings, x: number, y: number, a: number, exponent: number): number {
  const dx = x - wings.x
  const dy = y - wings.y
  const reach = REACH * (wings.a + a)
  if (dx * dx + dy * dy > reach * reach) return 0
  const fall = 1 + wings.xx * dx * dx + wings.yy * dy * dy + wings.xy * dx * dy
  return exponent === 1 ? wings.amplitude / fall : wings.amplitude * fall ** -exponent
}
