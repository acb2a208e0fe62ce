import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { imageHdu, openFits } from '@nightpipe/fits'
import t from 'tap'
import { expose, sky, turn, writeFrame } from '../src/index.js'

const ONE = { ...sky(1, 0, 80), stars: [{ x: 30, y: 50, flux: 10000 }] }

t.test('a star has its light where the map puts it', async (t) => {
  const pixels = expose(ONE, turn(90, 70, 20), 3, false)
  let [light, x, y] = [0, 0, 0]
  pixels.forEach((value, p) => {
    light += value - 200
    x += (value - 200) * (p % 80)
    y += (value - 200) * Math.floor(p / 80)
  })
  t.ok(Math.abs(light / 10000 - 1) < 1e-4, `${light}`)
  // a quarter turn brings (30, 50) to (-50, 30), and the shift that to (20, 50)
  t.ok(Math.hypot(x / light - 20, y / light - 50) < 1e-3, `${x / light}, ${y / light}`)
})

t.test('noise is that of the sky and of the light', async (t) => {
  const empty = { ...ONE, stars: [], noise: 7 }
  const pixels = expose(empty, turn(0, 0, 0), 3)
  const square = pixels.reduce((sum, value) => sum + (value - 200) ** 2, 0) / pixels.length
  t.ok(Math.abs(Math.sqrt(square) / 7 - 1) < 0.03, `${Math.sqrt(square)}`)
  t.not(expose(empty, turn(0, 0, 0), 4)[0], pixels[0], 'another seed, another noise')
})

t.test('what is written is read', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'scenes-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'a/b.fits')
  const pixels = expose(ONE, turn(0, 0, 0), 3)
  writeFrame(path, pixels, 80, { cards: [['FILTER', 'r']], mask: new Int16Array(pixels.length) })
  const file = openFits(path)
  t.teardown(() => file.close())
  t.same(imageHdu(file).axes, [80, 80])
  t.equal(file.hdus.length, 2)
})
