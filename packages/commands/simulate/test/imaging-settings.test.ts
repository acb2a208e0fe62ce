import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { imageHdu, openFits, readPixels } from '@nightpipe/fits'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import { lines, makeSmall } from './small.js'

const cwd = scratch()

const WRONG: [string, string[], RegExp][] = [
  ['a size that amplifiers cannot share', ['detector.amplifiers=3'], /64x48 px cannot be shared by 3 amplifiers/],
  ['a name that two frames would have', ['files.name={type}'], /two frames would be called flat \(put \{number\}/],
  ['a name with a folder', ['files.name=a/{number}'], /is not the name of a file/],
  ['a date that is none', ['night.start=soon'], /\[night\] start = soon: expected a date/],
  ['no filter', ['filters.names='], /filter/],
  ['a filter twice', ['filters.names=g,g'], /one stands twice/],
  ['two kinds of compression', ['files.gzip=yes', 'output.compress=RICE_1'], /both/],
  ['a plate solution across amplifiers', ['files.wcs=exact', 'detector.amplifiers=2'], /needs one amplifier/],
]
for (const [what, sets, message] of WRONG) {
  t.test(`${what} is refused before anything is made`, async (t) => {
    const { code, stdout, stderr } = await makeSmall(cwd, 'wrong', ...sets.flatMap((set) => ['--set', set]))
    t.equal(code, 2)
    t.equal(stdout, '')
    t.match(stderr, message)
    t.equal(lines(stderr).length, 1)
    t.notOk(existsSync(join(cwd, 'wrong/simulate.csv')))
  })
}

t.test('any binning, one column of overscan or none, and an odd size', async (t) => {
  for (const [k, sets] of [
    ['detector.binning=4', 'detector.amplifiers=4', 'noise.digitise=no'],
    ['detector.overscan=0', 'detector.width=37', 'detector.height=53', 'telescope.mirrored=yes', 'files.wcs=exact'],
    ['detector.overscan=1', 'detector.prescan=1', 'detector.amplifiers=2', 'filters.fringes=0.05'],
    ['detector.bits=12', 'detector.full well=9000', 'detector.overscan=0', 'detector.prescan=7', 'flat.saturated=1'],
    ['noise.noiseless=yes', 'files.light=yes', 'detector.binning=2'],
  ].entries()) {
    const { code, stderr } = await makeSmall(cwd, `odd${k}`, ...sets.flatMap((set) => ['--set', set]))
    t.equal(code, 0, `${sets.join(' ')}: ${stderr}`)
  }
  t.equal(Math.max(...readPixels(imageHdu(openFits(join(cwd, 'odd3/flat-0004.fits'))))), 4095)
})
