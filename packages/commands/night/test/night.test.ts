import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { makeTree } from '@nightpipe/spectrographs'
import { call } from '@nightpipe/testing'
import t, { type Test } from 'tap'

const DAY = '20190405'
const MJD = 58578.5

function treeIn(t: Test): { tree: string; raw: string } {
  const tree = join(t.testdir({}), 'cpt/nres03/reduced')
  makeTree({ folder: tree })
  const raw = join(dirname(tree), DAY, 'raw')
  mkdirSync(raw, { recursive: true })
  return { tree, raw }
}

const night = (tree: string, ...args: string[]) =>
  call('night', ['echelle', '--tree', tree, '--camera', 'fa13', ...args])

/** A bias of 40x30 pixels in the manner of the camera, or something else that the cards say. */
function shot(
  raw: string,
  letter: string,
  number: number,
  more: Record<string, string | number> = {},
  level = 1000,
): string {
  const path = join(raw, `cptnrs03-fa13-${DAY}-${String(number).padStart(4, '0')}-${letter}00.fits`)
  const cards = {
    ...{ OBSTYPE: 'BIAS', OBJECTS: 'none&none&none', INSTRUME: 'fa13', TELESCOP: 'nres03', SITEID: 'cpt' },
    ...{ EXPTIME: 0, 'MJD-OBS': MJD + number / 1000, GAIN: 1, RDNOISE: 5 },
    ...more,
  }
  const pixels = Uint16Array.from({ length: 1200 }, (_, k) => level + ((k * 7919 + number * 104729) % 11))
  const header = createHeader(Object.entries(cards).filter(([, value]) => value !== ''))
  writeFits(path, [{ kind: 'image', header, bitpix: 16, unsigned: true, axes: [40, 30], pixels }])
  return path
}

type Row = Record<string, string>
function exposures(tree: string): Row[] {
  const [header = '', ...lines] = readFileSync(join(tree, 'csv/exposures.csv'), 'utf8').trim().split('\n')
  const names = header.split(',')
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i]!, cell])))
}

t.test('a night is done once; then only what has changed, or has come', async (t) => {
  const { tree, raw } = treeIn(t)
  for (const k of [1, 2, 3]) shot(raw, 'b', k)
  const first = night(tree, '--date', DAY)
  t.equal(first.status, 0, first.stderr)
  t.match(first.stderr, /\$ stack-calibrations --calibration-type BIAS/)
  t.ok(existsSync(join(tree, 'bias/BIAScpt2019095.50310.fits')), 'the master')
  const second = night(tree, '--date', DAY)
  t.equal(second.status, 0)
  t.notMatch(second.stderr, /\$ /, 'no command is run')
  t.match(second.stderr, /0 exposures worked on, 3 up to date/)
  shot(raw, 'b', 4)
  shot(raw, 'b', 2, { FOCUS: 1 })
  t.match(night(tree, '--date', DAY).stderr, /4 exposures worked on, 0 up to date/, 'the master of all of them')
  rmSync(join(tree, 'bias/BIAScpt2019095.50410.fits'))
  t.match(night(tree, '--date', DAY).stderr, /4 exposures worked on, 0 up to date/, 'a product that is gone')
  writeFileSync(join(tree, 'config/reduction.ini'), '[cosmic rays]\nmethod = none\n')
  t.match(night(tree, '--date', DAY).stderr, /4 exposures worked on, 0 up to date/, 'the configuration has changed')
  t.match(
    night(tree, '--start', '2019-04-05', '--end', '2019-04-07').stderr,
    /0 exposures worked on/,
    'the same by dates',
  )
})

t.test('biases and darks that make no master at once are reduced one by one', async (t) => {
  const { tree, raw } = treeIn(t)
  const stagesOf = (type: string) => [
    ...new Set(exposures(tree).flatMap((row) => (row.type === type ? [row.stage] : []))),
  ]
  const single = join(tree, 'bias/BIAScpt2019095.50100.fits')
  for (const k of [1, 2]) shot(raw, 'b', k)
  t.equal(night(tree, '--date', DAY).status, 0)
  t.same(stagesOf('bias'), ['reduction'], 'two are too few')
  t.ok(existsSync(single), 'each serves by itself')
  t.match(night(tree, '--date', DAY).stderr, /0 exposures worked on, 2 up to date/)
  shot(raw, 'b', 3)
  for (const [k, EXPTIME] of [300, 300, 900].entries()) shot(raw, 'd', 4 + k, { OBSTYPE: 'DARK', EXPTIME })
  t.equal(night(tree, '--date', DAY).status, 0)
  t.same(stagesOf('bias'), ['stack-calibrations'])
  t.ok(existsSync(join(tree, 'bias/BIAScpt2019095.50310.fits')), 'a third makes a master')
  t.same(stagesOf('dark'), ['reduction'], 'of two exposure times')
  t.ok(existsSync(join(tree, 'dark/DARKcpt2019095.50610.fits')), 'and yet they have a master, of counts per second')
  t.match(night(tree, '--date', DAY).stderr, /0 exposures worked on, 6 up to date/)
})

t.test('where a bias that stands out leaves too few for a master, the others serve by themselves', async (t) => {
  const { tree, raw } = treeIn(t)
  for (const k of [1, 2, 3]) shot(raw, 'b', k, {}, k === 2 ? 30000 : 1000)
  night(tree, '--date', DAY)
  t.match(
    exposures(tree).map(({ status, stage }) => `${status} ${stage}`),
    ['done reduction', 'rejected stack-calibrations', 'done reduction'],
  )
  t.match(exposures(tree)[1], { reason: /level/ })
})

t.test('what cannot be used is left with its reason, and the night goes on', async (t) => {
  const { tree, raw } = treeIn(t)
  for (const k of [1, 2, 3]) shot(raw, 'b', k)
  shot(raw, 'b', 4, { INSTRUME: 'fa99' })
  shot(raw, 'e', 5, { OBSTYPE: '', OBJECTS: '', INSTRUME: '', 'MJD-OBS': '', EXPTIME: '' })
  shot(raw, 'e', 6, { OBSTYPE: 'TARGET', OBJECTS: 'none&none&none', EXPTIME: 60 })
  writeFileSync(join(raw, `cptnrs03-fa13-${DAY}-0007-e00.fits`), 'SIMPLE  =                    T / torn')
  const metrics = join(dirname(tree), 'nres03.prom')
  const { status, stderr } = night(tree, '--date', DAY, '--metrics', metrics)
  t.equal(status, 5, stderr)
  const reason = (number: string) => exposures(tree).find(({ name }) => name!.includes(`-${number}-`))
  t.match(reason('0004'), { status: 'rejected', reason: /camera is fa99/ })
  t.match(reason('0005'), { reason: /header does not say/ })
  t.match(reason('0006'), { status: /rejected|failed/, reason: /fibre/ })
  t.match(reason('0007'), { status: 'failed', stage: 'header' })
  t.equal(exposures(tree).filter((row) => row.status === 'done').length, 3)
  t.match(
    readFileSync(metrics, 'utf8'),
    /nightpipe_exposures\{site="cpt",instrument="nres03",type="bias",status="done"\} 3\n/,
  )
})

t.test('wrong calls are refused before anything is touched', async (t) => {
  const { tree, raw } = treeIn(t)
  shot(raw, 'b', 1)
  t.match(night(join(tree, 'x')), { status: 2, stderr: /no spectrograph tree in/ })
  t.match(night(tree, '--date', 'tonight'), { status: 2, stderr: /expected a night such as 20171216/ })
  t.match(night(tree), { status: 0, stderr: /no raw frames in this window/ }, 'nothing last night is no error')
  const { stdout, status } = night(tree, '--date', DAY, '--dry-run')
  t.equal(status, 0)
  t.match(stdout, /^bias +\S+0001-b00\.fits/)
  t.notOk(existsSync(join(tree, 'csv/exposures.csv')))
})

t.test('a killed night is taken up where it was', async (t) => {
  const { tree, raw } = treeIn(t)
  for (const k of [1, 2, 3]) shot(raw, 'b', k)
  night(tree, '--date', DAY)
  const table = join(tree, 'csv/exposures.csv')
  const text = readFileSync(table, 'utf8')
  writeFileSync(table, text.replace(/(0002-b00.*),done,/, '$1,working,'))
  t.match(night(tree, '--date', DAY).stderr, /3 exposures worked on, 0 up to date/)
  t.equal(exposures(tree).filter((row) => row.status === 'done').length, 3)
})

t.test('the S/N of stars against their magnitude, of all sites of a root', async (t) => {
  const root = t.testdir({})
  const put = (site: string, instrument: string, rows: string[]) => {
    const folder = join(root, site, instrument, 'reduced')
    makeTree({ folder })
    const head = 'name,day,type,target,mjd,exposure_s,status,snr'
    writeFileSync(join(folder, 'csv/exposures.csv'), `${[head, ...rows].join('\n')}\n`)
    writeFileSync(
      join(folder, 'csv/targets.csv'),
      'Name,RA,Dec,Vmag\nHD1461,4.67445,-8.053,6.46\n51Peg,344.36658,20.76883,5.46\n',
    )
  }
  put('cpt', 'nres03', [
    `cpt-1-e00,${DAY},object,HD1461&51PEG,58578.1,240,done,120`,
    `cpt-2-e00,${DAY},object,HD1461,58578.2,60,rejected,`,
    `cpt-3-a00,${DAY},arc,,58578.2,60,done,99`,
    'cpt-4-e00,20190406,object,HD1461,58579.2,60,done,30',
  ])
  put('lsc', 'nres01', [`lsc-1-e00,${DAY},object,UNKNOWN,58578.1,60,done,50`])
  const sn = (...args: string[]) => call('night', ['sn', '--root', root, ...args])
  const figure = join(root, 'sn.svg')
  const { status, stdout, stderr } = sn('--date', DAY, '--plot', figure)
  t.equal(status, 0, stderr)
  t.same(stdout.trim().split('\n').slice(1), [
    'cpt-1-e00,cpt,nres03,HD1461&51PEG,5.46,240,120.0,60.0',
    'lsc-1-e00,lsc,nres01,UNKNOWN,,60,50.0,50.0',
  ])
  t.match(stderr, /no V magnitude in csv\/targets.csv: UNKNOWN/)
  t.match(readFileSync(figure, 'utf8'), /S\/N of 1 exposures[\s\S]*cpt nres03/)
  t.equal(sn('--start', '2019-04-06', '--site', 'cpt').stdout.trim().split('\n').length, 2)
  t.match(sn().stderr, /no star of these nights/)
  t.equal(sn('--site', 'elp').status, 2)
})
