// Masters that reduction has made of the calibrations among its inputs are as linear as its frames.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { imageHdu, textOf, withFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { scratch, set } from '@nightpipe/testing'
import t from 'tap'
import { CAMERA, reduction, writeImage } from './support/night.js'

t.test('missing masters are made with the [linearity] of the frames, by coefficients and by table', (t) => {
  const folder = scratch()
  const r = random(5)
  const write = (type: string, k: number, level: number) => {
    const pixels = Float32Array.from({ length: 64 * 64 }, () => 1000 + level + Math.sqrt(25 + level) * r.normal())
    const cards = [...CAMERA, ['IMAGETYP', type], ['EXPTIME', 10], ['DATE-OBS', `2026-11-21T01:0${k}:00`]]
    return writeImage(join(folder, `${type}-${k}.fits`), pixels, 64, cards as typeof CAMERA)
  }
  const inputs = [0, 1, 2].flatMap((k) => [write('bias', k, 0), write('flat', k, 20000 + 1000 * k)])
  inputs.push(write('object', 5, 3000))
  const table = join(folder, 'curve.csv')
  writeFileSync(table, '0,0\n60000,63000\n')
  for (const [k, [setting, said]] of [
    ['linearity.coefficients=7.5e-7', '7.5e-7'],
    [`linearity.table=${table}`, 'curve.csv'],
  ].entries()) {
    const out = join(folder, `out${k}`)
    const more = set(setting, 'calibration.dark=none')
    const { code, stderr } = reduction(...inputs.flatMap((path) => ['--input', path]), '--output', out, ...more)
    t.equal(code, 0, stderr)
    const word = (path: string) => withFits(join(out, path), (file) => textOf(imageHdu(file).header, 'LINCORR'))
    t.equal(word('calibrations/flat_CAM_r.fits'), said)
    t.equal(word('calibrations/bias_CAM.fits'), undefined)
    t.equal(word('object-5.fits'), said)
  }
  t.end()
})
