// Raw flats of a spectrograph to its master flat: an image of each pair of fibres, extracted once.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, numberOf, textOf, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { emptyTraces, type Traces } from '@nightpipe/spectra'
import { orderOf, readOrderImage, tracesHdus } from '@nightpipe/spectrographs'
import t from 'tap'
import { call } from './support/run.js'
import { emptyTree, NOON, standards } from './support/tree.js'

const [WIDTH, HEIGHT, OVERSCAN, ORDERS, ROWS] = [400, 220, 16, 4, 13]
const [GAIN, READ_NOISE, SIGMA, PEAK] = [2, 6, 1.6, 60000]

const centre = (order: number, fibre: number) => 24 + 52 * order + 14 * (2 - fibre)
const blaze = (x: number) => 0.25 + 0.75 * Math.sin((Math.PI * (x + 40)) / (WIDTH + 80)) ** 2
/** Weak columns of the detector: what a flat is for. */
const response = (x: number) => blaze(x) * (x % 53 === 7 ? 0.9 : 1)

/** The part of a Gaussian in a row, by its middle and both edges (Simpson). */
const share = (off: number) => (gauss(off - 0.5) + 4 * gauss(off) + gauss(off + 0.5)) / 6
const gauss = (off: number) => Math.exp((-0.5 * off * off) / SIGMA ** 2) / (SIGMA * Math.sqrt(2 * Math.PI))

interface Flat {
  lit: readonly number[]
  /** beside 1 */
  lamp?: number
  /** px */
  drift?: number
  /** what the header says of the fibres; by default the truth, word by word */
  words?: string
}

function writeFlat(instrument: string, number: number, { lit, lamp = 1, drift = 0, words }: Flat): string {
  const { normal, poisson, uniform } = random(number)
  const light = new Float64Array(WIDTH * HEIGHT).fill(20)
  for (let order = 0; order < ORDERS; order++) {
    for (const fibre of lit) {
      const middle = centre(order, fibre) + drift
      for (let y = Math.floor(middle) - 8; y <= middle + 8; y++) {
        for (let x = 0; x < WIDTH; x++) light[y * WIDTH + x]! += lamp * PEAK * response(x) * share(y - middle)
      }
    }
  }
  for (let k = 0; k < 40; k++) light[Math.floor(uniform() * light.length)]! += 3e4 // cosmic rays
  const full = WIDTH + OVERSCAN
  const pixels = new Uint16Array(full * HEIGHT)
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < full; x++) {
      const electrons = (x < WIDTH ? poisson(light[y * WIDTH + x]!) : 0) + READ_NOISE * normal()
      pixels[y * full + x] = Math.round(1000 + electrons / GAIN)
    }
  }
  const truth = [0, 1, 2].map((fibre) => (lit.includes(fibre) ? 'tung' : 'none'))
  const header = createHeader([
    ['OBSTYPE', 'LAMPFLAT'],
    ['OBJECTS', words ?? truth.join('&')],
    ['EXPTIME', 10],
    ['SITEID', 'cpt'],
    ['TELESCOP', 'nres03'],
    ['INSTRUME', 'fa13'],
    ['GAIN', GAIN],
    ['RDNOISE', READ_NOISE],
    ['SATURATE', 60000],
    ['MJD-OBS', NOON + number / 1000],
    ['DAY-OBS', '20190405'],
    ['BIASSEC', `[${WIDTH + 1}:${full},1:${HEIGHT}]`],
    ['TRIMSEC', `[1:${WIDTH},1:${HEIGHT}]`],
  ])
  const folder = join(instrument, '20190405/raw')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `cptnrs03-fa13-20190405-${String(number).padStart(4, '0')}-w00.fits`)
  writeFits(path, [{ kind: 'image', bitpix: 16, unsigned: true, axes: [full, HEIGHT], pixels, header }])
  return path
}

/** The traces where the orders are, with their profile. */
function enterTraces(reduced: string, fibres = 3): void {
  const shape = { width: WIDTH, height: HEIGHT, orders: ORDERS, fibres, terms: 2, rows: ROWS, blocks: 1 }
  const traces: Traces = emptyTraces(shape)
  const profile = Float64Array.from({ length: ROWS }, (_, r) => share(r - (ROWS - 1) / 2))
  for (let order = 0; order < ORDERS; order++) {
    for (let fibre = 0; fibre < fibres; fibre++) {
      const own = order * fibres + fibre
      traces.coefficients.set([centre(order, fibre), 0], 2 * own)
      traces.last[own] = WIDTH - 1
      traces.profiles.set(profile, own * ROWS)
    }
  }
  const perRow = 10
  const samples = (ROWS - 1) * perRow + 1
  const fine = Float32Array.from({ length: samples }, (_, k) => share((k - (samples - 1) / 2) / perRow))
  traces.fine = { perRow, samples, values: new Float32Array(fibres * ORDERS * samples) }
  for (let own = 0; own < fibres * ORDERS; own++) traces.fine.values.set(fine, own * samples)
  mkdirSync(join(reduced, 'trace'), { recursive: true })
  const header: [string, string][] = [
    ['SITEID', 'cpt'],
    ['INSTRUME', 'fa13'],
  ]
  writeFits(join(reduced, 'trace/TRACcpt2019095.50000.fits'), tracesHdus(traces, header))
  const row = `"TRACE","trace/TRACcpt2019095.50000.fits",1,"cpt","fa13",${2458579},"0030"`
  writeFileSync(join(reduced, 'csv/standards.csv'), `Type,Filename,0,Site,Camera,0.000,Flags\n${row}\n`)
}

const asked = ['--calibration-type', 'FLAT', '--start', '2019-04-05T08:00:00', '--end', '2019-04-06T08:00:00']
const SLIT = '[profile]\nparent = nres\n[spectrograph]\nfibres = 1\narc fibre = -1\n'
const PAIRS = [
  [0, 1],
  [1, 2],
] as const

t.test(
  'raw flats of both pairs become a master as good as their photons, weak columns in it, cosmic rays not',
  async (t) => {
    const { instrument, reduced, flags } = emptyTree(t.testdir())
    enterTraces(reduced)
    for (let k = 0; k < 8; k++) writeFlat(instrument, k + 1, { lit: PAIRS[k % 2]!, lamp: 1 - 0.02 * k, drift: 0.3 })
    const { status, stderr } = call(...flags, ...asked)
    t.equal(status, 0, stderr)
    t.equal(
      standards(reduced).find((row) => row.startsWith('"FLAT"')),
      '"FLAT","flat/FLATcpt2019095.50110.fits",8,"cpt","fa13",2458579.001,"0030"',
      'dated by its first frame; all of them counted',
    )
    const master = readOrderImage(join(reduced, 'flat/FLATcpt2019095.50110.fits'))
    t.same([numberOf(master.header, 'NFRAVGD'), numberOf(master.header, 'FLATCHK')], [8, 1])
    t.equal(textOf(master.header, 'IMCOM008'), 'cptnrs03-fa13-20190405-0008-w00.fits')
    t.equal(textOf(master.header, 'L1IDTRAC'), 'TRACcpt2019095.50000.fits')
    for (const [fibre, frames] of [4, 8, 4].entries()) {
      const amplitude = numberOf(master.header, `AMPFL${fibre}02`)!
      t.ok(Math.abs(amplitude / (0.93 * PEAK * frames) - 1) < 0.03, `electrons of all frames: ${amplitude}`)
      const pulls: number[] = []
      const errors = orderOf({ ...master, values: master.errors! }, fibre, 2)
      const own = Float64Array.from(orderOf(master, fibre, 2))
      const scale = own.reduce((sum, value, x) => sum + value / response(x), 0) / WIDTH
      for (let x = 0; x < WIDTH; x++) pulls.push((own[x]! / scale - response(x)) / errors[x]!)
      const rms = Math.sqrt(pulls.reduce((sum, pull) => sum + pull * pull, 0) / WIDTH)
      // 400 pulls: their scatter is known to 3.5 %
      t.ok(Math.abs(rms - 1) < 0.15, `fibre ${fibre}: off by ${rms} of its errors`)
      t.ok(Math.max(...pulls.map(Math.abs)) < 5.5, 'no column is off by more')
    }
  },
)

t.test('flats of a slit, whose headers say nothing of fibres, become a master', async (t) => {
  const { instrument, reduced, flags } = emptyTree(t.testdir({ 'slit.ini': SLIT }))
  enterTraces(reduced, 1)
  for (let k = 0; k < 3; k++) writeFlat(instrument, k + 1, { lit: [0], words: 'lamp' })
  const { status, stderr } = call(...flags, ...asked, '--set', `instrument.profile=${join(t.testdirName, 'slit.ini')}`)
  t.equal(status, 0, stderr)
  t.equal(
    standards(reduced).find((row) => row.startsWith('"FLAT"')),
    '"FLAT","flat/FLATcpt2019095.50110.fits",3,"cpt","fa13",2458579.001,"0000"',
  )
  const master = readOrderImage(join(reduced, 'flat/FLATcpt2019095.50110.fits'))
  const [own, errors] = [master.values, master.errors!].map((values) =>
    Float64Array.from(orderOf({ ...master, values }, 0, 2)),
  ) as [Float64Array, Float64Array]
  const scale = own.reduce((sum, value, x) => sum + value / response(x), 0) / WIDTH
  const rms = Math.sqrt(own.reduce((sum, v, x) => sum + ((v / scale - response(x)) / errors[x]!) ** 2, 0) / WIDTH)
  t.ok(Math.abs(rms - 1) < 0.15, `off by ${rms} of its errors`)
})

t.test('flats that are not like the others are set aside with the reason, and enter no master', async (t) => {
  const { instrument, reduced, flags } = emptyTree(t.testdir())
  enterTraces(reduced)
  for (let k = 0; k < 4; k++) writeFlat(instrument, k + 1, { lit: [0, 1] })
  writeFlat(instrument, 5, { lit: [0, 1], lamp: 0.1 })
  writeFlat(instrument, 6, { lit: [0, 1], drift: 0.5 })
  writeFlat(instrument, 7, { lit: [1, 2], lamp: 0 })
  writeFlat(instrument, 8, { lit: [] })
  const { status, stdout, stderr } = call(...flags, ...asked, '--json')
  t.equal(status, 0, stderr)
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { inputs: string[]; reason?: string })
  const of = (name: string) => told.find(({ inputs }) => inputs[0]?.includes(name))?.reason
  t.match(of('-0005-'), 'has less than a fifth of the light of the others')
  t.match(of('-0006-'), /its orders lie 0\.[45]\d px off those of the others/)
  t.match(of('-0007-'), /adu of light: was the lamp off\?/)
  t.match(of('-0008-'), 'which fibres have light')
  t.match(
    standards(reduced).find((row) => row.startsWith('"FLAT"')),
    /50110.fits",4,"cpt","fa13",2458579.001,"0010"/,
  )
})

t.test('the same frames give the same master whatever the threads; without traces it says what to run', async (t) => {
  const { instrument, reduced, flags } = emptyTree(t.testdir())
  for (let k = 0; k < 3; k++) writeFlat(instrument, k + 1, { lit: [0, 1] })
  writeFileSync(join(reduced, 'csv/standards.csv'), 'Type,Filename,0,Site,Camera,0.000,Flags\n')
  t.match(
    call(...flags, ...asked).stderr,
    /no FLAT between .* \(3 raw frames are there: they need traces: run trace0\)/,
  )
  enterTraces(reduced)
  const product = join(reduced, 'flat/FLATcpt2019095.50110.fits')
  const [one, two] = ['1', '2'].map((workers) => {
    rmSync(product, { force: true })
    t.equal(call(...flags, ...asked, '--workers', workers, '--force').status, 0)
    return readOrderImage(product).values
  })
  t.same(one, two)
})
