import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

t.test('points are counted by their stripe, an odd number of them too', async (t) => {
  for (const n of [0, 1, 2, 7, 1000]) {
    scoped(() => {
      const [x, y] = [allocate(Float64Array, n), allocate(Float64Array, n)]
      for (let k = 0; k < n; k++) [x[k], y[k]] = [10 * Math.sin(3 * k), 10 * Math.sin(5 * k + 1)]
      const counts = allocate(Int32Array, 40).fill(2)
      const angle = 0.7
      kernels().countStripes(x.byteOffset, y.byteOffset, n, Math.cos(angle), Math.sin(angle), 20, counts.byteOffset)
      const expected = new Array(40).fill(2)
      // how far a point lies to the left of the direction, by its own distance and angle
      for (let k = 0; k < n; k++)
        expected[Math.floor(20 + Math.hypot(x[k], y[k]) * Math.sin(Math.atan2(y[k], x[k]) - angle))]++
      t.same(Array.from(counts), expected, `${n} points`)
    })
  }
})
