import { allocate, kernels, lent, scoped } from '@nightpipe/kernels'
import type { NoiseCorrelation } from './noise-correlation.js'
import type { Scene } from './scene.js'
import type { Surface } from './surface.js'

/** Side of a box of empty sky, px: about as many pixels as usual circles have; and of the small ones that it is made of. */
const BOX = 16
const SMALL = 4
const PARTS = (BOX / SMALL) ** 2
/** Owned pixels are looked for in cells of this side; about a box one cell on each side must be empty too. */
const CELL = 8
/** So many boxes, empty or not, are looked at: they tell a variance to some 5 %; with too few nothing is said. */
const ENOUGH = 2000
const FEWEST = 300

interface Box {
  x: number
  y: number
}

/**
 * What the sky has in common over the width of an aperture: the error of its background, of overscan levels, flats.
 * Independent pixels make the sum over n of them vary by n σ²; here it is n σ² (1 + c n), and c is returned. It is measured
 * on empty sky, from the sums over boxes of two sizes, so that pixels whose errors are wrong as such do not count (Labbé et
 * al. 2003, AJ 125, 1107, take empty apertures likewise). 0 where there is too little empty sky.
 */
export function sharedNoise(scene: Scene, noise: Surface, correlation?: NoiseCorrelation): number {
  const { width, height } = scene
  const owned = ownedCells(scene)
  const [columns, rows] = [Math.floor(width / BOX), Math.floor(height / BOX)]
  const step = Math.max(1, Math.round(Math.sqrt((columns * rows) / ENOUGH)))
  const boxes: Box[] = []
  for (let j = 1; j < rows - 1; j += step) {
    for (let i = 1; i < columns - 1; i += step) {
      if (isEmpty(owned, Math.ceil(width / CELL), i, j)) boxes.push({ x: i * BOX, y: j * BOX })
    }
  }
  const [large, small] = lightOf(scene, noise, boxes)
  if (large.length < FEWEST) return 0
  // what neighbours share makes larger boxes vary more as well
  const near = correlation ? correlation.summed(BOX ** 2) ** 2 - correlation.summed(SMALL ** 2) ** 2 : 0
  return Math.max(0, (spread(large) ** 2 - spread(small) ** 2 - near) / (BOX ** 2 - SMALL ** 2))
}

/** Half of what the middle 68 % span: stars too faint to be found make a tail of bright boxes, which is no noise. */
function spread(sorted: Float64Array): number {
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))]
  return (at(0.8413) - at(0.1587)) / 2
}

/** Which cells hold a pixel that belongs to a source. */
function ownedCells({ width, height, owners }: Scene): Uint8Array {
  const columns = Math.ceil(width / CELL)
  const cells = new Uint8Array(columns * Math.ceil(height / CELL))
  if (!owners) return cells
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / CELL) * columns
    for (let r = owners.row[y]; r < owners.row[y + 1]; r++) {
      // runs are counted in pixels of the image
      const last = Math.floor((owners.to[r] - 1 - y * width) / CELL)
      for (let i = Math.floor((owners.from[r] - y * width) / CELL); i <= last; i++) cells[row + i] = 1
    }
  }
  return cells
}

function isEmpty(owned: Uint8Array, columns: number, i: number, j: number): boolean {
  const per = BOX / CELL
  for (let v = j * per - 1; v <= (j + 1) * per; v++) {
    for (let u = i * per - 1; u <= (i + 1) * per; u++) if (owned[v * columns + u] !== 0) return false
  }
  return true
}

/** Sums over boxes and over the small ones in them, in units of what independent pixels make them vary by. */
function lightOf({ net, error, width }: Scene, noise: Surface, boxes: readonly Box[]): [Float64Array, Float64Array] {
  return scoped(() => {
    const corners = allocate(Int32Array, boxes.length)
    const sigmas = allocate(Float64Array, boxes.length).fill(0)
    for (const [k, { x, y }] of boxes.entries()) {
      corners[k] = y * width + x
      if (!error) sigmas[k] = noise.at(x, y)
    }
    const [large, small] = [1, PARTS].map((each) => allocate(Float64Array, each * boxes.length))
    const planes = [lent(net).byteOffset, error ? lent(error).byteOffset : 0, width] as const
    const [where, sky] = [corners.byteOffset, sigmas.byteOffset]
    const found = kernels().boxLights(...planes, where, sky, boxes.length, large.byteOffset, small.byteOffset)
    return [large.slice(0, found).sort(), small.slice(0, PARTS * found).sort()]
  })
}
