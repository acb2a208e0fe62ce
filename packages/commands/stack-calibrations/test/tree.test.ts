// Masters in the tree of a spectrograph: of singles in its table, or of the raw frames of its days.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, numberOf, readFrame, textOf, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import t from 'tap'
import { call } from './support/run.js'
import {
  biasLevel,
  current,
  emptyTree,
  GAIN,
  HEIGHT,
  NOON,
  READ_NOISE,
  standards,
  WIDTH,
  writeShot,
} from './support/tree.js'

const day = (from: string, to: string) => ['--start', `2019-04-${from}T08:00:00`, '--end', `2019-04-${to}T08:00:00`]

t.test('raw biases and darks of the days of a window become masters with their rows', async (t) => {
  const { instrument, reduced, flags } = emptyTree(t.testdir())
  for (let k = 0; k < 6; k++) writeShot(instrument, k + 1, { type: 'BIAS', at: k / 1000 })
  for (let k = 0; k < 4; k++) writeShot(instrument, k + 11, { type: 'DARK', at: 0.01 + k / 100, exposure: 300 })
  writeShot(instrument, 30, { type: 'BIAS', at: 5 })
  writeShot(instrument, 31, { type: 'BIAS', at: 0.002, camera: 'fl09' })
  writeShot(instrument, 32, { type: 'BIAS', at: 0.003, site: 'lsc' })
  const asked = [...flags, '--camera', 'fa13', ...day('05', '06')]
  const bias = call(...asked, '--calibration-type', 'BIAS')
  t.equal(bias.status, 0, bias.stderr)
  t.same(standards(reduced), ['"BIAS","bias/BIAScpt2019095.50510.fits",6,"cpt","fa13",2458579.005,"0000"'])
  const dark = call(...asked, '--calibration-type', 'DARK')
  t.equal(dark.status, 0, dark.stderr)
  t.equal(standards(reduced)[1], '"DARK","dark/DARKcpt2019095.54010.fits",4,"cpt","fa13",2458579.04,"0000"')

  const master = readFrame(join(reduced, 'bias/BIAScpt2019095.50510.fits'))
  t.same([master.width, master.height], [WIDTH, HEIGHT])
  const off = master.pixels.map((value, p) => (value - biasLevel(p) - 0) ** 2)
  const rms = Math.sqrt(off.reduce((sum, v) => sum + v, 0) / off.length)
  t.ok(rms < (1.25 * READ_NOISE) / GAIN / Math.sqrt(6), `a master of six is off by ${rms} adu`)
  t.same([textOf(master.header, 'INSTRUME'), textOf(master.header, 'TELESCOP')], ['fa13', 'nres03'])
  t.same([numberOf(master.header, 'NFRAVGD'), numberOf(master.header, 'MJD-OBS')], [6, NOON + 0.005])
  t.equal(textOf(master.header, 'OUTNAME'), 'bias_cpt_nres03_fa13_20190405')
  t.equal(textOf(master.header, 'BIASSEC'), undefined, 'sections of the raw frame hold no longer')
  t.match(textOf(master.header, 'IMCOM006'), 'cptnrs03-fa13-20190405-0006-b00.fits.fz')
  const perSecond = readFrame(join(reduced, 'dark/DARKcpt2019095.54010.fits'))
  t.equal(numberOf(perSecond.header, 'EXPTIME'), 1)
  t.ok(Math.abs(perSecond.pixels[5]! / (current(5) / GAIN) - 1) < 0.05, 'a hot pixel, per second')
})

/** A single bias as the old pipeline left it: floats, trimmed, with the cards of its raw frame. */
function writeSingle(
  reduced: string,
  name: string,
  cards: [string, string | number][] = [],
  noise = 3,
  seed = 1,
): void {
  mkdirSync(join(reduced, 'bias'), { recursive: true })
  const pixels = Float32Array.from({ length: WIDTH * HEIGHT }, (_, p) => noise * Math.sin((p + seed) * (p + 7 * seed)))
  const header = createHeader([
    ...([
      ['OBSTYPE', 'BIAS'],
      ['SITEID', 'cpt'],
      ['TELESCOP', 'nres03'],
      ['INSTRUME', 'fl13'],
    ] as const),
    ...([
      ['MJD-OBS', NOON + seed / 1000],
      ['BIASSEC', '[4103:4160,1:4096]'],
      ['NFRAVGD', 1],
    ] as const),
    ...cards,
  ])
  writeFits(join(reduced, 'bias', name), [{ kind: 'image', bitpix: -32, axes: [WIDTH, HEIGHT], pixels, header }])
}

t.test('singles of an old tree are stacked: flags count, masters and lost files do not enter', async (t) => {
  const { reduced, flags } = emptyTree(t.testdir())
  const rows = ['Type,Filename,0,Site,Camera,0.000,Flags']
  const name = (k: number) => `BIAScpt2019095.50${k}00.fits`
  for (let k = 1; k <= 7; k++) {
    if (k !== 6) writeSingle(reduced, name(k), [], 3, k)
    const flag = k === 5 ? '1000' : '0000'
    rows.push(`"BIAS","bias/${name(k)}",${k === 7 ? 9 : 1},"cpt","fl13",${2458579 + k / 1000},"${flag}"`)
  }
  const table = join(reduced, 'csv/standards.csv')
  writeFileSync(table, `${rows.join('\n')}\n`)
  const { status, stdout, stderr } = call(...flags, ...day('05', '06'), '--calibration-type', 'BIAS', '--json')
  t.equal(status, 0, stderr)
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { inputs: string[]; reason?: string })
  const of = (k: number) => told.find(({ inputs }) => inputs[0]?.endsWith(name(k)))
  t.match(of(5)?.reason, 'flagged unusable in csv/standards.csv')
  t.match(of(6)?.reason, 'the file is missing')
  t.notOk(of(7), 'a master is no single')
  const [made] = standards(reduced).filter((row) => row.includes(',4,'))
  t.equal(made, '"BIAS","bias/BIAScpt2019095.50410.fits",4,"cpt","fl13",2458579.004,"0000"')
  t.match(readFileSync(table, 'utf8'), /^Type,Filename,0,Site,Camera,0\.000,Flags\n/, 'the table is continued')
})

t.test(
  'singles of darks are per second already: their mean, whoever made them, with the scatter that they show',
  async (t) => {
    const { reduced, flags } = emptyTree(t.testdir())
    mkdirSync(join(reduced, 'dark'))
    const rows = [0, 1, 2, 3, 4].map((k) => {
      const { normal } = random(k + 1)
      const pixels = Float32Array.from({ length: WIDTH * HEIGHT }, (_, p) => current(p) / GAIN + 0.01 * normal())
      const header = createHeader([
        ...([
          ['OBSTYPE', 'DARK'],
          ['SITEID', 'cpt'],
          ['TELESCOP', 'nres03'],
          ['INSTRUME', 'fl13'],
        ] as const),
        ...([
          ['MJD-OBS', NOON + k / 1000],
          ['EXPTIME', 1],
          ['GAIN', 1],
          ['RDNOISE', 10],
          ['NFRAVGD', 1],
        ] as const),
      ])
      const name = `dark/DARKcpt2019095.50${k}00.fits`
      writeFits(join(reduced, name), [{ kind: 'image', bitpix: -32, axes: [WIDTH, HEIGHT], pixels, header }])
      return `"DARK","${name}",1,"cpt","fl13",${2458579 + k / 1000},"0000"`
    })
    writeFileSync(join(reduced, 'csv/standards.csv'), `T,F,0,S,C,0.0,Flags\n${rows.join('\n')}\n`)
    const { status, stderr, stdout } = call(...flags, ...day('05', '06'), '--calibration-type', 'DARK')
    t.equal(status, 0, stderr)
    const { pixels, error, header } = readFrame(stdout.trim())
    t.equal(numberOf(header, 'EXPTIME'), 1)
    const hot = pixels[5]! / (current(5) / GAIN)
    t.ok(Math.abs(hot - 1) < 0.02, `a hot pixel: ${hot} of the truth`)
    t.ok(
      Math.abs(error![100]! - 0.01 / Math.sqrt(5)) < 0.001,
      `an error of ${error![100]} adu/s, not of the raw frames' read noise`,
    )
  },
)

t.test('frames are counted after those that do not fit have been dropped', async (t) => {
  const { instrument, reduced, flags } = emptyTree(t.testdir())
  for (let k = 0; k < 4; k++)
    writeShot(instrument, k + 1, { type: 'BIAS', at: k / 1000, noise: k < 2 ? 30 : READ_NOISE })
  const { status, stderr } = call(...flags, ...day('05', '06'), '--calibration-type', 'BIAS')
  t.equal(status, 3, stderr)
  t.match(stderr, /only 2 of 4 frames can be used for bias\/BIAScpt2019095.50310.fits, 3 needed/)
  t.throws(() => standards(reduced), 'no row was written')
})

t.test('--days makes a master of each day in one call, and a frame at midnight of none of two', async (t) => {
  const { instrument, reduced, flags } = emptyTree(t.testdir())
  // windows begin at 08:00, 4 h before NOON
  const border = 1 - 4 / 24
  let number = 0
  for (const at of [0, 0.01, 0.02, border, 1, 1.01, 1.02, 3, 3.01, 3.02]) {
    writeShot(instrument, ++number, { type: 'BIAS', at })
  }
  const asked = [...flags, ...day('05', '09'), '--calibration-type', 'BIAS', '--days']
  const { status, stderr, stdout } = call(...asked)
  t.equal(status, 0, stderr)
  t.same(
    standards(reduced).map((row) => row.split(',').slice(1, 3).join(' ')),
    ['"bias/BIAScpt2019095.52010.fits" 3', '"bias/BIAScpt2019096.52010.fits" 4', '"bias/BIAScpt2019098.52010.fits" 3'],
  )
  t.equal(stdout.trim().split('\n').length, 3)
  t.match(stderr, /no BIAS between 2019-04-07T08:00:00 and/)
  const again = call(...asked)
  t.match(again.stderr, /3 jobs were up to date/)
  t.equal(standards(reduced).length, 3)
})

t.test('a call that cannot be right is refused in one line', async (t) => {
  const { flags } = emptyTree(t.testdir())
  const refused = (...more: string[]) => {
    const { status, stderr } = call(...flags, ...more)
    t.equal(status, 2, stderr)
    return stderr
  }
  t.match(refused('--calibration-type', 'BIAS'), /--start is missing \(write it as 2017-12-16T08:00:00/)
  t.match(refused('--calibration-type', 'SKY', ...day('05', '06')), /expected BIAS, DARK, FLAT, ARC or TEMPLATE/)
  t.match(refused('--calibration-type', 'TEMPLATE', ...day('05', '06')), /a template needs --target/)
  t.match(refused('--calibration-type', 'BIAS', ...day('06', '05')), /is not after --start/)
  const { status, stderr } = call('-r', t.testdir())
  t.equal(status, 3)
  t.match(stderr, /no frames to stack/)
})
