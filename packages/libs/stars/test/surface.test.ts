import { splineCurvature, splineWeights } from '@nightpipe/image'
import { allocate, scoped } from '@nightpipe/kernels'
import { random } from '@nightpipe/math'
import t from 'tap'
import { skyMesh } from '../src/background.js'
import { gather } from '../src/gather.js'
import { expandSurface, makeSurface } from '../src/surface.js'

const [columns, rows, width, height] = [5, 4, 83, 61]

t.test('a surface is a spline along y of splines along x, at one pixel, at many, and in whole images', async (t) => {
  const { normal } = random(8)
  const map = Float32Array.from({ length: columns * rows }, () => 100 + normal())
  const mesh = { columns, rows, pitchX: width / columns, pitchY: height / rows, level: map, rms: map }
  const spline = (values: Float64Array, at: number) => {
    const curvature = new Float64Array(values.length)
    splineCurvature(values, curvature, new Float64Array(values.length))
    const i = Math.min(values.length - 2, Math.max(0, Math.floor(at)))
    const [a, b, c, d] = splineWeights(at - i, new Float64Array(4))
    return a * values[i] + b * values[i + 1] + c * curvature[i] + d * curvature[i + 1]
  }
  const expected = (x: number, y: number) =>
    spline(
      Float64Array.from({ length: rows }, (_, j) =>
        spline(Float64Array.from(map.subarray(j * columns, (j + 1) * columns)), (x + 0.5) / mesh.pitchX - 0.5),
      ),
      (y + 0.5) / mesh.pitchY - 0.5,
    )
  scoped(() => {
    const surface = makeSurface(map, mesh, width, height, false)
    const image = expandSurface(surface, width, height)
    const [xs, ys] = [Float64Array.of(0, 82, 40.4, 13.6, Number.NaN, 60), Float64Array.of(0, 60, 30, 47.5, 3, -5)]
    const all = surface.atAll(xs, ys)
    for (let k = 0; k < xs.length; k++) {
      const [x, y] = [Math.round(xs[k]), Math.max(0, Math.round(ys[k]))]
      if (Number.isNaN(x)) t.ok(Number.isNaN(all[k]), 'nothing is known at no place')
      else {
        t.ok(Math.abs(all[k] - expected(x, y)) < 1e-9, `at ${x}, ${y}`)
        t.equal(all[k], surface.at(xs[k], ys[k]))
        t.ok(Math.abs(all[k] - image[y * width + x]) < 2e-5) // float32 of 100
      }
    }
  })
})

t.test('the map of meshes is filtered by the median of each mesh and its neighbours', async (t) => {
  const { normal } = random(5)
  const [side, n] = [32, 7]
  const size = side * n
  const pixels = Float32Array.from({ length: size * size }, () => 50 + normal())
  const frame = { name: 'f', pixels, width: size, height: size }
  const options = { mesh: side, maskBits: 0, classic: false }
  const plain = skyMesh(frame, { ...options, filter: 1 }).level
  for (const filter of [3, 5]) {
    for (const classic of [false, true]) {
      const found = skyMesh(frame, { ...options, classic, filter }).level
      const values = classic ? skyMesh(frame, { ...options, classic, filter: 1 }).level : plain
      const half = (filter - 1) / 2
      for (const [i, j] of [
        [half, half],
        [3, 3],
        [n - 1 - half, 3],
      ]) {
        const window = []
        for (let v = -half; v <= half; v++) for (let u = -half; u <= half; u++) window.push(values[(j + v) * n + i + u])
        window.sort((a, b) => a - b)
        t.equal(found[j * n + i], window[window.length >> 1], `${filter} x ${filter} at ${i}, ${j}`)
      }
      if (classic) t.equal(found[0], values[0], 'the window shrinks to the mesh itself in the corner')
    }
  }
})

t.test('a number of every record is gathered as a column', async (t) => {
  scoped(() => {
    const records = allocate(Float64Array, 9)
    records.set([1, 2.5, -3, 4, 5.25, -6, 7, 8.125, -9])
    t.same(gather(records, 3, 1, Float64Array), Float64Array.of(2.5, 5.25, 8.125))
    t.same(gather(records, 3, 1, Float32Array), Float32Array.of(2.5, 5.25, 8.125))
    t.same(gather(records, 3, 2, Int32Array), Int32Array.of(-3, -6, -9))
  })
})

t.test('whole numbers tell the level of the sky as well as their mean does, wherever it lies between them', (t) => {
  const { normal, uniform } = random(11)
  const size = 256
  // sigma in steps of the converter, the step, and what was added since
  for (const [sigma, step, offset] of [
    [0.6, 1, 0],
    [1, 1, 0],
    [2.6, 1, 0.25],
    [1.5, 16, 0],
    [2, 0.3, 7.7],
    [30, 1, 0],
  ]) {
    for (const phase of [0, 0.25, 0.5, 0.8]) {
      const exact = Float64Array.from({ length: size * size }, () => 500 + phase + sigma * normal())
      const pixels = Float32Array.from(exact, (v) => Math.round(v) * step + offset)
      // a few mended pixels lie between, and a few are hit
      for (let p = 0; p < pixels.length; p += 200) pixels[p] += (p % 400 === 0 ? 0.37 : 50 * uniform()) * step
      const frame = { name: 'f', pixels, width: size, height: size }
      const { level, rms } = skyMesh(frame, { mesh: 64, maskBits: 0, classic: false, filter: 1 })
      const mean = level.reduce((sum, v) => sum + v, 0) / level.length
      const truth = (500 + phase) * step + offset
      // the mode of a mesh of 4096 pixels scatters by 0.045 sigma, the mean of sixteen by 0.011; below one step a median
      // between few values is not exact
      const most = sigma < 1 ? 0.06 : 0.035
      t.ok(
        Math.abs(mean - truth) / (sigma * step) < most,
        `${sigma} ${step} ${phase}: ${(mean - truth) / sigma / step}`,
      )
      const noise = Math.sqrt(sigma ** 2 + 1 / 12) * step
      t.ok(Math.abs(rms[5] / noise - 1) < 0.1, `${sigma} ${step} ${phase}: noise ${rms[5]}, ${noise}`)
    }
  }
  t.end()
})
