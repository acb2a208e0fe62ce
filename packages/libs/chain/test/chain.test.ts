import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadProfile } from '@nightpipe/config'
import { createHeader, writeFits } from '@nightpipe/fits'
import { makeTree, type Tree } from '@nightpipe/spectrographs'
import t, { type Test } from 'tap'
import { fingerprinter, stampOf } from '../src/fingerprint.js'
import {
  type Chain,
  type ExposureRow,
  openExposures,
  prometheusText,
  type RawFrame,
  rawFrames,
  rawNights,
  reportOf,
  sweep,
  treeArguments,
  windowOf,
} from '../src/index.js'

const profile = loadProfile('nres')

function chainIn(t: Test): { chain: Chain; lines: string[] } {
  const folder = join(t.testdir({}), 'cpt/nres03/reduced')
  const tree: Tree = { folder, site: 'cpt', camera: 'fa13', instrument: 'nres03' }
  makeTree(tree)
  const lines: string[] = []
  const log = { info: () => {}, warn: () => {}, detail: () => {} }
  const tell = (line: string) => lines.push(line)
  const how = { workers: 1, memoryBytes: 1e9, force: false, signal: new AbortController().signal }
  return { chain: { tree, profile, ...how, log, tell }, lines }
}

const DAY = '20190405'
const MJD = 58578.5

function shot(tree: Tree, letter: string, number: number, cards: [string, string | number][]): string {
  const path = join(
    dirname(tree.folder),
    DAY,
    'raw',
    `cptnrs03-fa13-${DAY}-${String(number).padStart(4, '0')}-${letter}00.fits`,
  )
  mkdirSync(dirname(path), { recursive: true })
  const common: [string, string | number][] = [
    ['INSTRUME', 'fa13'],
    ['TELESCOP', 'nres03'],
    ['SITEID', 'cpt'],
    ['EXPTIME', 1],
    ['MJD-OBS', MJD + number / 100],
  ]
  const own = new Set(cards.map(([keyword]) => keyword))
  const header = createHeader([...common.filter(([keyword]) => !own.has(keyword)), ...cards])
  writeFits(path, [{ kind: 'image', header, bitpix: 16, axes: [4, 4], pixels: new Int16Array(16) }])
  return path
}

t.test('raw frames are found beside the tree, described, and sorted; guider frames are none', async (t) => {
  const { tree } = chainIn(t).chain
  shot(tree, 'e', 3, [
    ['OBSTYPE', 'TARGET'],
    ['OBJECTS', 'HD1461&thar&HD2'],
  ])
  shot(tree, 'b', 1, [
    ['OBSTYPE', 'BIAS'],
    ['OBJECTS', 'none&none&none'],
  ])
  shot(tree, 'g', 9, [['OBSTYPE', 'FOCUS']])
  const damaged = shot(tree, 'w', 2, [['OBSTYPE', 'LAMPFLAT']])
  writeFileSync(damaged, 'not a frame')
  t.same(rawNights(tree), [DAY])
  t.match(rawFrames(tree, profile, {}), [
    { name: `cptnrs03-fa13-${DAY}-0001-b00`, type: 'bias', day: DAY },
    { type: 'unknown', problem: /not FITS|no FITS|cannot|does not begin/i },
    { type: 'object', target: 'hd1461&hd2', fibres: ['hd1461', 'thar', 'hd2'], camera: 'fa13', mjd: MJD + 0.03 },
  ])
  t.equal(rawFrames(tree, profile, { days: ['20190404'] }).length, 0)
  t.same(
    rawFrames(tree, profile, { start: MJD + 0.02, end: MJD + 0.04 }).map(({ type }) => type),
    ['unknown', 'object'],
    'one without date stays: somebody must be told',
  )
})

t.test('of arcs and stars that tell the same moment the first is taken, the others say why not', async (t) => {
  const { tree } = chainIn(t).chain
  const star: [string, string][] = [
    ['OBSTYPE', 'TARGET'],
    ['OBJECTS', 'HD1&thar&none'],
  ]
  const at = (mjd: number): [string, number] => ['MJD-OBS', mjd]
  shot(tree, 'e', 1, [...star, at(MJD)])
  shot(tree, 'e', 2, [...star, at(MJD + 2e-6)])
  shot(tree, 'e', 3, [...star, at(MJD + 2e-5)])
  shot(tree, 'e', 4, [...star, ['INSTRUME', 'fa99'], at(MJD)])
  for (const k of [5, 6]) shot(tree, 'b', k, [['OBSTYPE', 'BIAS'], at(MJD)])
  const frames = rawFrames(tree, profile, {})
  t.same(
    frames.map(({ type }) => type),
    ['object', 'unknown', 'object', 'object', 'bias', 'bias'],
    'biases go into a master together',
  )
  t.match(frames[1]!.problem, /same moment as cptnrs03-fa13-20190405-0001-e00:/)
})

t.test('a call says which window it means', async (t) => {
  t.same(windowOf({ date: ['2019-04-05', '20190406'] }, {}), { days: ['20190405', '20190406'] })
  t.same(windowOf({}, { start: 1, end: 2 }), { start: 1, end: 2 })
  t.match(windowOf({ start: '2019-04-05' }, {}), { start: 58578 })
  t.throws(() => windowOf({ date: ['5 April'] }, {}), /--date 5 April: expected a night such as/)
  t.throws(() => windowOf({ start: '2019-04-05', end: '2019-04-04' }, {}), /is before --start/)
  t.throws(() => windowOf({ date: ['20190405'], end: '2019-04-04' }, {}), /--date and --start or --end/)
})

t.test('commands are called with as few words as say it all', async (t) => {
  const { chain } = chainIn(t)
  const { folder } = chain.tree
  t.same(treeArguments(chain, 'extract'), ['--tree', folder, '--camera', 'fa13', '--set', 'instrument.profile=nres'])
  writeFileSync(join(folder, 'config/tree.ini'), '[instrument]\nprofile = nres\n')
  writeFileSync(join(folder, 'config/extract.ini'), '')
  t.same(treeArguments(chain, 'extract'), [
    '--tree',
    folder,
    '--camera',
    'fa13',
    '--config',
    join(folder, 'config/extract.ini'),
  ])
  t.same(treeArguments({ ...chain, tree: { ...chain.tree, site: 'x' } }, 'rv').slice(2, 4), ['--site', 'x'])
})

t.test(
  'the newest report of a command is read, wherever in the tree it lies, never the state of the same name',
  async (t) => {
    const { chain } = chainIn(t)
    const { folder } = chain.tree
    const report = (place: string, product: string, age: number) => {
      writeFileSync(join(folder, place), `input,status,reason,product,seconds\n../raw/a.fits,done,,${product},1\n`)
      utimesSync(join(folder, place), age, age)
    }
    report('csv/rv.csv', 'wrong', 9)
    report('rv.csv', 'old.fits', 1)
    report('spec/rv.csv', 'a-1d.fits', 2)
    t.equal(reportOf(chain, 'rv').get('a.fits')?.product, join(folder, 'spec/a-1d.fits'))
    t.equal(reportOf(chain, 'extract').size, 0)
  },
)

const row = (name: string, more: Partial<ExposureRow>): ExposureRow => ({
  name,
  status: 'done',
  type: 'object',
  ...more,
})

t.test('calibrated frames go when their exposure is done, products stay', async (t) => {
  const { chain } = chainIn(t)
  const file = (path: string) => {
    mkdirSync(dirname(join(chain.tree.folder, path)), { recursive: true })
    writeFileSync(join(chain.tree.folder, path), '')
    return () => existsSync(join(chain.tree.folder, path))
  }
  const [red, extr, wave, open] = [
    'temp/red/a.fits',
    'temp/extr/a-1d.fits',
    'temp/wave/a-1d.fits',
    'temp/red/b.fits',
  ].map(file)
  t.equal(sweep(chain, [row('a', { product: 'temp/wave/a-1d.fits' }), row('b', { status: 'failed' })]), 2)
  t.same([red!(), extr!(), wave!(), open!()], [false, false, true, true])
})

t.test('what was measured, as Prometheus reads it', async (t) => {
  const rows = [
    row('a-e00', { target: 'say "x"', snr: 101.5, rv_m_s: -12345.6, rv_error_m_s: 3.2, seconds: 4.5 }),
    row('b-b00', { type: 'bias', seconds: 0.1 }),
    row('c-e00', { status: 'rejected' }),
  ]
  const text = prometheusText({ site: 'cpt', instrument: 'nres03' }, rows)
  const place = 'site="cpt",instrument="nres03"'
  t.match(text, `nightpipe_exposure_snr{${place},exposure="a-e00",type="object",target="say \\"x\\""} 101.5\n`)
  t.match(text, /velocity_metres_per_second\{.*\} -12345\.6\n/)
  t.match(text, `nightpipe_exposures{${place},type="object",status="rejected"} 1\n`)
  const names = [...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name)
  t.equal(new Set(names).size, names.length, 'each metric is declared once')
  for (const line of text.trim().split('\n'))
    t.match(line, /^(# (HELP|TYPE) \S+ .+|[a-z_]+\{([a-z_]+="([^"\\]|\\.)*",?)+\} -?[\d.e+-]+)$/)
})

t.test('the table of exposures holds what a person may read', async (t) => {
  const { chain } = chainIn(t)
  await openExposures(chain.tree).put([row('a', { snr: 3 })])
  t.match(readFileSync(join(chain.tree.folder, 'csv/exposures.csv'), 'utf8'), /^name,day,type,.*\na,,object,/)
})

t.test('the configuration of a command tells only of the exposures that go through it', async (t) => {
  const { chain } = chainIn(t)
  const frames = (['bias', 'flat', 'arc', 'object'] as const).map((type, k) => {
    const path = shot(chain.tree, 'x', k, [])
    return { name: type, path, day: DAY, type, mjd: MJD } as RawFrame
  })
  const all = () => {
    const madeOf = fingerprinter(chain)
    return frames.map((frame) => madeOf(frame, stampOf(frame.path, undefined)))
  }
  const moved = (ini: string) => {
    const before = all()
    writeFileSync(join(chain.tree.folder, 'config', ini), '; changed\n')
    const after = all()
    return frames.filter((_, k) => before[k] !== after[k]).map(({ type }) => type)
  }
  mkdirSync(join(chain.tree.folder, 'config'), { recursive: true })
  t.same(moved('rv.ini'), ['object'])
  t.same(moved('wavelength.ini'), ['arc', 'object'])
  t.same(moved('trace-refine.ini'), ['flat'])
  t.same(moved('stack-calibrations.ini'), ['bias', 'flat', 'arc'])
  t.same(moved('reduction.ini'), ['bias', 'flat', 'arc', 'object'])
  t.same(all(), all(), 'and the same tree gives the same answer')
})
