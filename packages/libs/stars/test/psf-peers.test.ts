import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lackingPython, PYTHON } from '@nightpipe/testing'
import t from 'tap'
import { findStars, measureApertures } from '../src/index.js'
import { moffatField, randomStars } from './support/moffat-field.js'

t.test('sums in circles are those of photutils', { skip: lackingPython('photutils') }, async (t) => {
  const size = { width: 200, height: 160 }
  // far from one another: photutils knows nothing of neighbours
  const truth = randomStars(400, 2000, 50_000, size).filter(
    (star, i, all) =>
      all.slice(0, i).every((other) => Math.hypot(other.x - star.x, other.y - star.y) > 30) &&
      star.x > 20 &&
      star.x < 180 &&
      star.y > 20 &&
      star.y < 140,
  )
  const frame = moffatField(truth, size)
  const found = findStars(frame, { gain: 1.6 })
  const nobody = new Int32Array(size.width * size.height)
  const radii = [1.5, 3.3, 8]
  const places = { x: truth.map(({ x }) => x), y: truth.map(({ y }) => y) }
  const ours = measureApertures(frame, found, nobody, places, { radii })
  const folder = t.testdir({})
  writeFileSync(join(folder, 'net.f4'), new Uint8Array(found.net.slice().buffer))
  writeFileSync(join(folder, 'places.json'), JSON.stringify([places.x, places.y]))
  const script = [
    'import sys,json,numpy as np',
    'from photutils.aperture import CircularAperture,aperture_photometry',
    `d=np.fromfile(sys.argv[1],"f4").reshape(${size.height},${size.width}).astype("f8")`,
    'p=np.array(json.load(open(sys.argv[2]))).T',
    'of=lambda r: aperture_photometry(d,CircularAperture(p,r),method="exact")["aperture_sum"]',
    `print(json.dumps([[float(v) for v in of(r)] for r in ${JSON.stringify(radii)}]))`,
  ].join('\n')
  const done = spawnSync(PYTHON, ['-c', script, join(folder, 'net.f4'), join(folder, 'places.json')], {
    encoding: 'utf8',
  })
  t.equal(done.status, 0, done.stderr)
  const theirs = JSON.parse(done.stdout) as number[][]
  t.ok(truth.length > 4)
  for (const [k, sums] of theirs.entries()) {
    // float32 pixels, float64 sums: only rounding may differ
    for (const [i, sum] of sums.entries()) {
      t.ok(Math.abs(ours.flux[k][i] - sum) < 1e-6 * Math.abs(sum) + 1e-3, `${ours.flux[k][i]} and ${sum}`)
    }
  }
})
