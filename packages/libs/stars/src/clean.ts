import type { Isophote } from './isophote.js'

/**
 * Drops what would not have been found without a brighter neighbour: the light that the wings of the neighbour, a Moffat
 * profile of this exponent, lay under it explains its peak. Its pixels go to the neighbour. (Bertin & Arnouts 1996.)
 */
export function cleanSources(sources: Isophote[], limit: number, exponent: number): Isophote[] {
  if (!(exponent > 0)) return sources
  const reach = 10
  const order = sources.map((_, i) => i).sort((i, j) => sources[j].filteredFlux - sources[i].filteredFlux || i - j)
  const cells = new Map<number, number[]>()
  const side = 64
  const key = (x: number, y: number) => Math.floor(y / side) * 65536 + Math.floor(x / side)
  const removed = new Set<number>()
  for (const i of order) {
    const source = sources[i]
    const eater = findEater(source, sources, cells, key, side, limit, exponent)
    if (eater >= 0) {
      removed.add(i)
      continue
    }
    // the brighter source covers all the cells within its reach
    const r = Math.min(reach * source.a, 512)
    for (let y = source.y - r; y <= source.y + r + side; y += side) {
      for (let x = source.x - r; x <= source.x + r + side; x += side) {
        const k = key(x, y)
        const list = cells.get(k)
        if (list) list.push(i)
        else cells.set(k, [i])
      }
    }
  }
  return sources.filter((_, i) => !removed.has(i))
}

function findEater(
  source: Isophote,
  sources: Isophote[],
  cells: Map<number, number[]>,
  key: (x: number, y: number) => number,
  _side: number,
  limit: number,
  exponent: number,
): number {
  for (const j of cells.get(key(source.x, source.y)) ?? []) {
    const other = sources[j]
    const [dx, dy] = [source.x - other.x, source.y - other.y]
    const area = Math.PI * other.a * other.b
    const amplitude = other.filteredFlux / (2 * area)
    const alpha = ((Math.max(amplitude / limit, 1) ** (1 / exponent) - 1) * area) / other.pixels.length
    const val = 1 + alpha * (other.xx * dx * dx + other.yy * dy * dy + other.xy * dx * dy)
    if (amplitude * val ** -exponent > source.filteredPeak) return j
  }
  return -1
}
