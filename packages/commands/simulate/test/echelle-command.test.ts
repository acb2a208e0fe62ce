import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openFits, readTable, textOf } from '@nightpipe/fits'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import { digestsOf, lines, simulate } from './small.js'
import { preset } from './small-echelle.js'

/** A night of 8 small frames: bias 1, dark 2, flats 3 and 4, arcs 5 and 6, stars 7 and 8. */
const TINY = [
  ...['bias.count=1', 'dark.count=1', 'flat.count=1', 'arc.count=1', 'star.frames=2', 'optics.orders=4'],
  ...['detector.width=160', 'detector.height=160', 'trace.centre=80,55,3'],
].flatMap((set) => ['--set', set])
const args = (...more: string[]) => ['echelle', '--quiet', '--config', preset('small'), ...TINY, ...more]
const RAW = 'sml/nres91/20240312/raw'
const nameOf = (number: number, letter: string) => `smlnrs91-fs91-20240312-000${number}-${letter}00`

const cwd = scratch()
const night = await simulate(args('--output', 'night', '--workers', '1'), cwd)

t.test('frames lie where NRES puts them, under its names', async (t) => {
  t.equal(night.code, 0)
  t.equal(night.stderr, '')
  const names = ['b', 'd', 'w', 'w', 'a', 'a', 'e', 'e'].map((letter, k) => nameOf(k + 1, letter))
  t.same(
    lines(night.stdout),
    names.map((name) => `night/${RAW}/${name}.fits`),
  )
  const truth = readdirSync(join(cwd, 'night/truth')).sort()
  t.same(truth, [
    ...['.nightpipe-skip', 'README.md', 'defects.csv', 'frames', 'frames.csv', 'lines.csv', 'parameters.json'],
    ...['traces.csv', 'traces.fits'],
  ])
  t.equal(readdirSync(join(cwd, 'night/truth/frames')).length, 8)
})

t.test('headers tell what each fibre sees, and the extensions are those of NRES', async (t) => {
  const objects = (number: number, letter: string) => {
    const { header } = openFits(join(cwd, 'night', RAW, `${nameOf(number, letter)}.fits`)).hdus[0]!
    return `${textOf(header, 'OBSTYPE')} ${textOf(header, 'OBJECTS')}`
  }
  t.equal(objects(3, 'w'), 'LAMPFLAT tung&tung&none')
  t.equal(objects(4, 'w'), 'LAMPFLAT none&tung&tung')
  t.equal(objects(6, 'a'), 'DOUBLE none&thar&thar')
  t.equal(objects(7, 'e'), 'TARGET simstar&thar&none')
  const { hdus } = openFits(join(cwd, 'night', RAW, `${nameOf(7, 'e')}.fits`))
  t.same(
    hdus.map(({ name }) => name),
    ['SPECTRUM', 'EXPOSURE_METER', 'AGU_1', 'AGU_2', 'TELESCOPE_1', 'TELESCOPE_2'],
  )
  t.same(hdus[0]!.axes, [160 + 6 + 32, 160])
  t.equal(textOf(hdus[0]!.header, 'BIASSEC'), '[167:198,1:160]')
  t.notOk(
    hdus[0]!.header.cards.some(({ keyword }) => keyword.startsWith('NP_')),
    'nothing of ours',
  )
  t.equal(textOf(hdus[4]!.header, 'OBJECT'), 'simstar')
  t.equal(textOf(hdus[5]!.header, 'OBJECT'), 'N/A')
})

t.test('the exposure meter weighs the middle of the light as the truth has it', async (t) => {
  const meter = openFits(join(cwd, 'night', RAW, `${nameOf(8, 'e')}.fits`)).hdus[1]!
  const { columns } = readTable(meter)
  const of = (name: string) => columns.find((column) => column.name === name)!.values as Float64Array
  const [start, seconds, counts] = [of('MJD_START'), of('EXP_TIME'), of('FIB0COUNTS')]
  let [sum, first] = [0, 0]
  start.forEach((mjd, k) => {
    const light = counts[k]! - 3 // background
    sum += light
    first += light * ((mjd - start[0]!) * 86400 + seconds[k]! / 2)
  })
  const [head, ...rows] = lines(readFileSync(join(cwd, 'night/truth/frames.csv'), 'utf8')).map((line) =>
    line.split(','),
  )
  const truth = Number(rows[7]![head!.indexOf('mjd_middle')])
  // 300 s long, 3000 counts: the noise is 300 / sqrt(12 * 3000) = 1.6 s
  t.ok(Math.abs(first / sum - (truth - start[0]!) * 86400) < 6)
})

t.test('the same bytes with one worker, with three, and in pieces; another seed is another night', async (t) => {
  const one = digestsOf(join(cwd, 'night'))
  await simulate(args('--output', 'three', '--workers', '3'), cwd)
  t.same(digestsOf(join(cwd, 'three')), one)
  rmSync(join(cwd, 'three', RAW, `${nameOf(7, 'e')}.fits`))
  rmSync(join(cwd, 'three/truth/lines.csv'))
  await simulate(args('--output', 'three', '--workers', '1'), cwd)
  t.same(digestsOf(join(cwd, 'three')), one)
  await simulate(args('--output', 'other', '--seed', '5'), cwd)
  const file = `${RAW}/${nameOf(7, 'e')}.fits`
  t.not(digestsOf(join(cwd, 'other'))[file], one[file])
})

t.test('what is wrong on request is wrong in the frame and told in the truth', async (t) => {
  const faults = ['no header', 'no fibres', 'wrong camera', 'clouds', 'saturated arc', 'lamp off']
  const sets = faults.flatMap((fault) => ['--set', `faults.${fault}=1`])
  t.equal((await simulate(args('--output', 'faults', ...sets), cwd)).code, 0)
  const [head, ...rows] = lines(readFileSync(join(cwd, 'faults/truth/frames.csv'), 'utf8')).map((line) =>
    line.split(','),
  )
  const broken = (fault: string) => {
    const row = rows.find((cells) => cells[head!.indexOf('fault')] === fault)!
    return openFits(join(cwd, 'faults', RAW, `${row[0]}.fits`)).hdus[0]!
  }
  t.equal(textOf(broken('no header').header, 'OBSTYPE'), undefined)
  t.equal(textOf(broken('no fibres').header, 'OBJECTS'), 'none&none&none')
  t.not(textOf(broken('wrong camera').header, 'INSTRUME'), 'fs91')
  const report = lines(readFileSync(join(cwd, 'faults/simulate.csv'), 'utf8')).map((line) => line.split(','))
  const saturated = (fault: string) => {
    const name = rows.find((cells) => cells[head!.indexOf('fault')] === fault)![0]!
    return Number(report.find(([input]) => input === name)![report[0]!.indexOf('saturated_px')])
  }
  t.ok(saturated('saturated arc') > 100)
  t.equal(saturated('lamp off'), 0)
})

t.test('a flat folder of plain frames, named and described as the profile of a small instrument says', async (t) => {
  const sets = ['bias.count=1', 'dark.count=0', 'flat.count=1', 'arc.count=1', 'star.frames=1', 'optics.orders=3']
  const more = ['detector.width=120', 'detector.height=128', 'trace.centre=60,-40', 'trace.slope=2', 'trace.bow=2']
  const flags = [...sets, ...more].flatMap((set) => ['--set', set])
  const made = await simulate(['echelle', '--quiet', '-c', preset('teaching'), '-r', 'school', ...flags], cwd)
  t.equal(made.code, 0, made.stderr)
  t.same(
    lines(made.stdout),
    ['arc-0003', 'bias-0001', 'flat-0002', 'object-0004'].map((name) => `school/${name}.fits`),
  )
  const { hdus } = openFits(join(cwd, 'school/arc-0003.fits'))
  t.equal(hdus.length, 1)
  t.equal(textOf(hdus[0]!.header, 'IMAGETYP'), 'Comparison')
})

t.test('what cannot be is refused in one line', async (t) => {
  const refused = async (set: string) => {
    const { code, stderr } = await simulate(args('--output', 'never', '--set', set), cwd)
    t.equal(code, 2)
    t.equal(lines(stderr).length, 1)
    return stderr
  }
  t.match(await refused('fibres.arc=3'), 'there are 3 fibres')
  t.match(await refused('arc.lines=krypton'), 'there is no list krypton')
  t.match(await refused('flat.pairs=0+7'), '0+7 is no list of fibres 0 to 2')
  t.match(await refused('star.template=none.csv'), 'there is no none.csv')
  t.match(await refused('night.start=yesterday'), 'expected a date')
  t.notOk(existsSync(join(cwd, 'never/truth')))
})
