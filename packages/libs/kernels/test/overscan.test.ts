import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

/** Numbers that repeat from run to run. */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return state / 2 ** 32
  }
}

const middle = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]

/** Mean of what lies within 3 counts or 4.448 times the median distance of the (upper) median. */
function plainLevel(row: number[]): number {
  const good = row.filter(Number.isFinite)
  if (good.length === 0) return Number.NaN
  const centre = middle(good)
  const limit = Math.max(3, 4.448 * middle(good.map((v) => Math.abs(v - centre))))
  const kept = good.filter((v) => Math.abs(v - centre) <= limit)
  return kept.reduce((sum, v) => sum + v, 0) / kept.length
}

t.test('rowLevels is the clipped mean of each row, cosmic rays and NaN left out', async (t) => {
  const next = sequence(8)
  for (const [columns, rows] of [
    [1, 1],
    [2, 3],
    [32, 20],
    [51, 7],
  ]) {
    scoped(() => {
      const values = Array.from({ length: columns * rows }, () => {
        const dice = next()
        return dice < 0.05 ? Number.NaN : dice < 0.1 ? 20000 : Math.round(1000 + 12 * (next() + next() - 1))
      })
      for (let x = 0; x < columns && rows > 2; x++) values[columns + x] = Number.NaN
      const pixels = allocate(Float32Array, values.length)
      pixels.set(values)
      const levels = allocate(Float32Array, rows)
      const scratch = allocate(Float32Array, 2 * columns)
      kernels().rowLevels(pixels.byteOffset, columns, rows, levels.byteOffset, scratch.byteOffset)
      for (let y = 0; y < rows; y++) {
        const expected = plainLevel(values.slice(y * columns, (y + 1) * columns))
        t.ok(Object.is(levels[y], expected) || Math.abs(levels[y] - expected) < 1e-3, `row ${y} of ${columns}x${rows}`)
      }
    })
  }
})
