import { SOURCE, type SourceField, type Sources, sourceAt } from '../../src/sources.js'

/** Wings are followed over so many times the semi-axes of the two sources together. */
const REACH = 10
/** Sources are kept by cells of so many pixels. */
const CELL = 32

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
  const wings = newWings(sources)
  const removed = new Uint8Array(sources.count)
  for (const i of all.toSorted((p, q) => flux[q] - flux[p] || p - q)) {
    if (isEaten(wings, sources, i, exponent)) removed[i] = 1
    else addWings(wings, sources, i, exponent)
  }
  return all.filter((i) => removed[i] === 0)
}

/** Moffat profiles, those of sources that fall to their limit where their isophotes end; and which of them reach a cell. */
interface Wings {
  /** x, y, a, xx, yy, xy and amplitude of each. */
  profiles: Float64Array
  count: number
  columns: number
  rows: number
  /** Of each cell the newest entry of its list, or -1; of each entry its profile and the next entry. */
  newest: Int32Array
  entries: Int32Array
  used: number
}
const NUMBERS = 7

function newWings(sources: Sources): Wings {
  let [width, height] = [0, 0]
  for (let i = 0; i < sources.count; i++) {
    const [x, y] = [sourceAt(sources, i, SOURCE.x), sourceAt(sources, i, SOURCE.y)]
    // a place that is no number, of infinite light, is in no cell
    if (Number.isFinite(x) && x > width) width = x
    if (Number.isFinite(y) && y > height) height = y
  }
  const [columns, rows] = [Math.floor(width / CELL) + 1, Math.floor(height / CELL) + 1]
  return {
    ...{ profiles: new Float64Array(NUMBERS * sources.count), count: 0, columns, rows },
    ...{ newest: new Int32Array(columns * rows).fill(-1), entries: new Int32Array(64 * sources.count + 64), used: 0 },
  }
}

/** Whether the wings of a brighter source hold more light at source i than it has above its limit. */
function isEaten(
  { profiles, columns, newest, entries }: Wings,
  sources: Sources,
  i: number,
  exponent: number,
): boolean {
  const [x, y] = [sourceAt(sources, i, SOURCE.x), sourceAt(sources, i, SOURCE.y)]
  const held = sourceAt(sources, i, SOURCE.held) - sourceAt(sources, i, SOURCE.limit)
  const a = sourceAt(sources, i, SOURCE.a)
  for (let e = newest[Math.floor(y / CELL) * columns + Math.floor(x / CELL)]; e >= 0; e = entries[2 * e + 1]) {
    if (lightAt(profiles, NUMBERS * entries[2 * e], x, y, a, exponent) > held) return true
  }
  return false
}

/** A source that wings eat is fainter, and seldom larger. */
function addWings(wings: Wings, sources: Sources, i: number, exponent: number): void {
  const [x, y] = [sourceAt(sources, i, SOURCE.x), sourceAt(sources, i, SOURCE.y)]
  const reach = REACH * 2 * sourceAt(sources, i, SOURCE.a)
  const { columns, rows, newest } = wings
  setProfile(wings.profiles, NUMBERS * wings.count, sources, i, exponent)
  const last = [
    Math.min(columns - 1, Math.floor((x + reach) / CELL)),
    Math.min(rows - 1, Math.floor((y + reach) / CELL)),
  ]
  for (let v = Math.max(0, Math.floor((y - reach) / CELL)); v <= last[1]; v++) {
    for (let u = Math.max(0, Math.floor((x - reach) / CELL)); u <= last[0]; u++) {
      wings.entries = withRoom(wings.entries, 2 * wings.used + 2)
      wings.entries[2 * wings.used] = wings.count
      wings.entries[2 * wings.used + 1] = newest[v * columns + u]
      newest[v * columns + u] = wings.used++
    }
  }
  wings.count++
}

function withRoom(array: Int32Array, wanted: number): Int32Array {
  if (wanted <= array.length) return array
  const larger = new Int32Array(2 * array.length)
  larger.set(array)
  return larger
}

function setProfile(profiles: Float64Array, at: number, sources: Sources, i: number, exponent: number): void {
  const of = (field: SourceField) => sourceAt(sources, i, field)
  const unit = Math.PI * of(SOURCE.a) * of(SOURCE.b)
  const amplitude = of(SOURCE.filteredFlux) / (2 * unit * insideIsophote(of))
  const alpha = ((Math.max(amplitude / of(SOURCE.limit), 1) ** (1 / exponent) - 1) * unit) / of(SOURCE.area)
  profiles[at] = of(SOURCE.x)
  profiles[at + 1] = of(SOURCE.y)
  profiles[at + 2] = of(SOURCE.a)
  profiles[at + 3] = alpha * of(SOURCE.xx)
  profiles[at + 4] = alpha * of(SOURCE.yy)
  profiles[at + 5] = alpha * of(SOURCE.xy)
  profiles[at + 6] = amplitude
}

/** The part of a Gaussian that its isophote holds, told by how its area shrinks towards the peak. */
function insideIsophote(of: (field: SourceField) => number): number {
  const limit = of(SOURCE.limit)
  const ratio = (2 * limit) / (limit + of(SOURCE.filteredPeak))
  const shrink = Math.min(of(SOURCE.upper) - of(SOURCE.area), 0) || -1
  const held = shrink / (2 * Math.PI * Math.log(Math.min(ratio, 0.99)) * of(SOURCE.a) * of(SOURCE.b))
  return Math.min(held, 1)
}

function lightAt(profiles: Float64Array, at: number, x: number, y: number, a: number, exponent: number): number {
  const dx = x - profiles[at]
  const dy = y - profiles[at + 1]
  const reach = REACH * (profiles[at + 2] + a)
  if (dx * dx + dy * dy > reach * reach) return 0
  const fall = 1 + profiles[at + 3] * dx * dx + profiles[at + 4] * dy * dy + profiles[at + 5] * dx * dy
  const amplitude = profiles[at + 6]
  return exponent === 1 ? amplitude / fall : amplitude * fall ** -exponent
}
