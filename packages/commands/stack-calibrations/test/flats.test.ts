// Extracted flats of a spectrograph's tree combined into its master flat.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CardValue, createHeader, numberOf, textOf, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { orderImageHdus, orderOf, readOrderImage } from '@nightpipe/spectrographs'
import t from 'tap'
import { call } from './support/run.js'
import { emptyTree, NOON, standards, writeShot } from './support/tree.js'

const [COLUMNS, ORDERS] = [600, 20]
const truth = (fibre: number, order: number, x: number) =>
  Math.sin((Math.PI * (x + 40)) / (COLUMNS + 80)) ** 2 * (1 + 0.01 * Math.sin(1.3 * x + order + fibre))

interface Single {
  at: number
  lit: readonly number[]
  amplitude?: number
  cards?: [string, CardValue][]
  /** instead of the truth */
  value?: (x: number) => number
}

/** Single flats as extract leaves them, and their rows. */
function writeFlats(reduced: string, singles: readonly Single[]): string[] {
  mkdirSync(join(reduced, 'flat'), { recursive: true })
  const rows = singles.map(({ at, lit, amplitude = 4e4, cards = [['NSAT', 0]], value }, k) => {
    const { normal } = random(k + 1)
    const values = new Float32Array(COLUMNS * ORDERS * 3)
    for (const fibre of lit) {
      for (let order = 0; order < ORDERS; order++) {
        for (let x = 0; x < COLUMNS; x++) {
          const electrons = (value ? value(x) : truth(fibre, order, x)) * amplitude
          values[(fibre * ORDERS + order) * COLUMNS + x] = (electrons + Math.sqrt(electrons) * normal()) / amplitude
        }
      }
    }
    const amplitudes = lit.flatMap((fibre) =>
      Array.from({ length: ORDERS }, (_, o) => [`AMPFL${fibre}${String(o).padStart(2, '0')}`, amplitude] as const),
    )
    const header = createHeader([
      ...([
        ['OBSTYPE', 'LAMPFLAT'],
        ['INSTRUME', 'fa13'],
        ['SITEID', 'cpt'],
        ['TELESCOP', 'nres03'],
      ] as const),
      ...([
        ['MJD-OBS', NOON + at],
        ['NFRAVGD', 1],
        ['DAY-OBS', '20190405'],
      ] as const),
      ...amplitudes,
      ...cards,
    ])
    const name = `flat/FLATcpt2019095.${String(Math.round((0.5 + at) * 1e5)).padStart(5, '0')}.fits`
    writeFits(join(reduced, name), orderImageHdus({ width: COLUMNS, orders: ORDERS, planes: 3, values }, header))
    return `"FLAT","${name}",1,"cpt","fa13",${2458579 + at},"00${lit[0] === 0 ? 1 : 2}0"`
  })
  writeFileSync(join(reduced, 'csv/standards.csv'), `Type,Filename,0,Site,Camera,0.000,Flags\n${rows.join('\n')}\n`)
  return rows
}

const asked = ['--calibration-type', 'FLAT', '--start', '2019-04-05T08:00:00', '--end', '2019-04-06T08:00:00']

t.test('flats of both pairs of fibres become one master of three, better than each', async (t) => {
  const { reduced, flags } = emptyTree(t.testdir())
  const singles = [0, 0.01, 0.02, 0.03].map((at) => ({ at, lit: [0, 1] }))
  const others = [0.04, 0.05, 0.06, 0.07].map((at) => ({ at, lit: [1, 2] }))
  writeFlats(reduced, [...singles, ...others])
  const { status, stderr } = call(...flags, ...asked)
  t.equal(status, 0, stderr)
  const row = standards(reduced).find((one) => one.includes(',8,'))
  t.equal(row, '"FLAT","flat/FLATcpt2019095.50010.fits",8,"cpt","fa13",2458579,"0030"', 'dated by its first')
  const master = readOrderImage(join(reduced, 'flat/FLATcpt2019095.50010.fits'))
  t.same([master.width, master.orders, master.planes], [COLUMNS, ORDERS, 3])
  t.same([numberOf(master.header, 'NFRAVGD'), numberOf(master.header, 'FLATCHK')], [8, 1])
  t.equal(textOf(master.header, 'OBJECTS'), 'tung&tung&tung')
  t.equal(numberOf(master.header, 'MJD-OBS'), NOON)
  for (const [fibre, frames] of [
    [0, 4],
    [1, 8],
    [2, 4],
  ] as const) {
    t.equal(numberOf(master.header, `AMPFL${fibre}07`), frames * 4e4)
    const response = orderOf(master, fibre, 7)
    const ratios: number[] = []
    for (let x = 100; x < 500; x++) ratios.push(response[x]! / truth(fibre, 7, x))
    const mean = ratios.reduce((sum, v) => sum + v, 0) / ratios.length
    const rms = Math.sqrt(ratios.reduce((sum, v) => sum + (v / mean - 1) ** 2, 0) / ratios.length)
    t.ok(Math.abs(mean - 1) < 0.01, `1 at the top: ${mean}`)
    const photons = 1 / Math.sqrt(0.8 * 4e4 * frames)
    t.ok(rms < 1.25 * photons, `fibre ${fibre}: ${rms}, photons ${photons}`)
  }
})

t.test('a fibre that no flat has is 1, and the flags do not name it', async (t) => {
  const { reduced, flags } = emptyTree(t.testdir())
  writeFlats(reduced, [{ at: 0, lit: [0, 1] }])
  t.equal(call(...flags, ...asked).status, 0)
  t.match(standards(reduced)[1], /FLATcpt2019095.50010.fits",2,"cpt","fa13",2458579,"0010"/)
  const master = readOrderImage(join(reduced, 'flat/FLATcpt2019095.50010.fits'))
  t.ok(orderOf(master, 2, 3).every((value) => value === 1))
})

t.test('a master that fails its check is flagged in c0, and so is not chosen again', async (t) => {
  const { reduced, flags } = emptyTree(t.testdir())
  const full = (x: number) => Math.min(1, 3 * Math.sin((Math.PI * (x + 40)) / (COLUMNS + 80)) ** 2)
  const cards: [string, CardValue][] = [['NSAT', 9000]]
  writeFlats(
    reduced,
    [0, 0.01, 0.02].map((at) => ({ at, lit: [0, 1], value: full, amplitude: 1e9, cards })),
  )
  const { status, stderr } = call(...flags, ...asked)
  t.equal(status, 0)
  t.match(stderr, /FLATcpt2019095.50010.fits is not fit for use: .* % of the values are above 0.985/)
  t.match(
    standards(reduced).find((row) => row.includes('.50010.')),
    /"1010"$/,
  )
  const again = call(...flags, ...asked)
  t.equal(again.status, 0, 'nothing loops, nothing is stacked twice')
  t.equal(standards(reduced).filter((row) => row.includes('.50010.')).length, 1)
})

t.test('odd singles are set aside, flags are honoured, and with raw frames only it says what to run', async (t) => {
  const { instrument, reduced, flags } = emptyTree(t.testdir())
  const rows = writeFlats(
    reduced,
    [0, 0.01, 0.02, 0.03].map((at) => ({ at, lit: [0, 1] })),
  )
  const narrow = { width: 100, orders: ORDERS, planes: 3, values: new Float32Array(100 * ORDERS * 3).fill(0.5) }
  writeFits(join(reduced, 'flat/FLATcpt2019095.52000.fits'), orderImageHdus(narrow, createHeader()))
  const table = [rows[0], rows[1], rows[2], rows[3]!.replace('"0010"', '"1010"')]
  writeFileSync(join(reduced, 'csv/standards.csv'), `T,F,0,S,C,0.0,Flags\n${table.join('\n')}\n`)
  const { status, stdout } = call(...flags, ...asked, '--json')
  t.equal(status, 0)
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { inputs: string[]; reason?: string })
  const of = (name: string) => told.find(({ inputs }) => inputs[0]?.includes(name))?.reason
  t.match(of('.52000.'), /has 100 columns and 20 orders, the first 600 and 20/)
  t.match(of('.53000.'), 'flagged unusable')
  writeFileSync(join(reduced, 'csv/standards.csv'), 'T,F,0,S,C,0.0,Flags\n')
  writeShot(instrument, 1, { type: 'LAMPFLAT', at: 0.1 })
  const none = call(...flags, ...asked)
  t.equal(none.status, 3)
  t.match(none.stderr, /no FLAT between .* \(1 raw frames are there: they need traces: run trace0\)/)
})
