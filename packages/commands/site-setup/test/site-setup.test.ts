import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { call } from '@nightpipe/testing'
import t, { type Test } from 'tap'

const DAY = '20190405'

function rootIn(t: Test): { root: string; raw: string; tree: string } {
  const root = t.testdir({})
  const raw = join(root, 'cpt/nres03', DAY, 'raw')
  mkdirSync(raw, { recursive: true })
  return { root, raw, tree: join(root, 'cpt/nres03/reduced') }
}

const setup = (root: string, ...args: string[]) =>
  call('site-setup', ['--root', root, '--site', 'cpt', '--nres-instrument', 'nres03', ...args])

const TYPES: Record<string, string> = { b: 'BIAS', d: 'DARK', w: 'LAMPFLAT', e: 'TARGET' }

const pathOf = (raw: string, letter: string, number: number) =>
  join(raw, `cptnrs03-fa13-${DAY}-${String(number).padStart(4, '0')}-${letter}00.fits`)

const cardsOf = (letter: string, number: number): Record<string, string | number> => ({
  ...{ OBSTYPE: TYPES[letter]!, OBJECTS: 'none&none&none', INSTRUME: 'fa13', TELESCOP: 'nres03', SITEID: 'cpt' },
  ...{ EXPTIME: letter === 'b' ? 0 : 60, 'MJD-OBS': 58578.5 + number / 1000, GAIN: 1, RDNOISE: 5 },
})

function shot(raw: string, letter: string, number: number, more: Record<string, string | number> = {}): void {
  const cards = { ...cardsOf(letter, number), ...more }
  const pixels = Uint16Array.from({ length: 1200 }, (_, k) => 1000 + ((k * 7919 + number * 104729) % 11))
  writeFits(pathOf(raw, letter, number), [
    { kind: 'image', header: createHeader(Object.entries(cards)), bitpix: 16, unsigned: true, axes: [40, 30], pixels },
  ])
}

const steps = (tree: string) => readFileSync(join(tree, 'csv/site-setup-steps.csv'), 'utf8')

t.test('it stops at what cannot be done, says what to do, and goes on there', async (t) => {
  const { root, raw, tree } = rootIn(t)
  for (const k of [1, 2, 3]) shot(raw, 'b', k)
  const first = setup(root)
  t.equal(first.status, 3)
  t.match(first.stdout, /\$ mkdir -p .*cpt\/nres03\/reduced/)
  t.match(first.stdout, /\$ stack-calibrations --calibration-type BIAS .* --input @\S+ --tree \S+\n/)
  t.match(first.stdout, /\[ 3\/11\] +bias +done: 3 frames, 1 masters\n/)
  t.match(
    first.stderr,
    /step 4 of 11, dark: there are no dark frames \(take at least 3 of a few minutes, or run again with --without dark; then run this again\)/,
  )
  t.match(readFileSync(join(tree, 'csv/ccds.csv'), 'utf8'), /"fa13",40,30,0,39,1,5,/)
  t.match(readFileSync(join(tree, 'csv/spectrographs.csv'), 'utf8'), /\n"cpt",58000\.01,52,24\.0442,/)
  t.match(readFileSync(join(tree, 'config/tree.ini'), 'utf8'), /profile = nres\n/)
  for (const k of [4, 5, 6]) shot(raw, 'd', k)
  const second = setup(root)
  t.match(second.stdout, /bias +done: before: 3 frames/)
  t.notMatch(second.stdout, /BIAS/, 'biases are not touched again')
  t.match(second.stdout, /\[ 4\/11\] +dark +done: 3 frames, 1 masters/)
  t.match(second.stderr, /step 5 of 11, trace: there are no flats/)
  t.match(steps(tree), /\n4,dark,done,.*stack-calibrations --calibration-type DARK/)
  shot(raw, 'b', 7)
  t.match(setup(root).stdout, /bias +done: 4 frames, 1 masters/, 'new frames: the step is done again')
})

t.test('a spectrograph may do without', async (t) => {
  const { root, raw, tree } = rootIn(t)
  for (const k of [1, 2, 3]) shot(raw, 'b', k)
  const { stdout, stderr } = setup(root, '--without', 'dark')
  t.match(stdout, /dark +without: this spectrograph does without/)
  t.match(stderr, /step 5 of 11/)
  t.match(readFileSync(join(tree, 'config/reduction.ini'), 'utf8'), /\[calibration\]\ndark = none\n/)
  t.equal(setup(root, '--without', 'bias', 'dark').status, 3)
  t.match(readFileSync(join(tree, 'config/reduction.ini'), 'utf8'), /dark = none\nbias = none\n/)
})

t.test(
  'a site of another name gets the first guess of a spectrograph of its kind, and its list of stars',
  async (t) => {
    const { root, raw } = rootIn(t)
    shot(raw, 'b', 1, { SITEID: 'ogg' })
    const folder = join(root, 'ogg/nres09')
    mkdirSync(join(folder, DAY), { recursive: true })
    writeFileSync(join(root, 'stars.csv'), 'name,ra,dec,pmra\nHD1,1.1,2.2,3.3\n')
    spawnSync('cp', ['-r', raw, join(folder, DAY, 'raw')])
    const args = ['--site', 'ogg', '--nres-instrument', 'nres09', '--targets', join(root, 'stars.csv')]
    const { stdout } = call('site-setup', ['--root', root, ...args])
    t.match(stdout, /tables +done: .*first guess of lsc taken for ogg; targets of/)
    t.match(readFileSync(join(folder, 'reduced/csv/targets.csv'), 'utf8'), /"HD1",1\.1,2\.2,.*3\.3/)
  },
)

/** A flat of six orders that lights two fibres 6.2 px apart: 1.6 of the width of their light. */
function closeFlat(raw: string, number: number, lit: readonly [number, number]): void {
  const [width, height] = [320, 300]
  const draw = random(number)
  const pixels = new Uint16Array(width * height)
  for (let p = 0; p < pixels.length; p++) {
    const [x, y] = [p % width, Math.floor(p / width)]
    let light = 150
    for (let order = 0; order < 6; order++) {
      for (const fibre of lit) {
        const centre = 34 + 46 * order - 6.2 * fibre + 7 * ((2 * x) / width - 1) ** 2
        light += 9800 * Math.exp(-0.5 * ((y - centre) / 1.634) ** 2)
      }
    }
    pixels[p] = Math.round(1000 + light + Math.sqrt(light) * draw.normal())
  }
  const objects = [0, 1, 2].map((fibre) => (lit.includes(fibre) ? 'tung' : 'none')).join('&')
  const header = createHeader(Object.entries({ ...cardsOf('w', number), OBJECTS: objects }))
  writeFits(pathOf(raw, 'w', number), [
    { kind: 'image', header, bitpix: 16, unsigned: true, axes: [width, height], pixels },
  ])
}

t.test('traces that are not to be trusted stop it, with what is wrong with the flats', async (t) => {
  const { root, raw, tree } = rootIn(t)
  const profile = join(root, 'close.ini')
  writeFileSync(profile, '[profile]\nparent = nres\n\n[spectrograph]\norders = 0\n')
  for (const k of [1, 2, 3, 4]) closeFlat(raw, k, k < 3 ? [0, 1] : [1, 2])
  const { status, stderr } = setup(root, '--without', 'bias', 'dark', '--set', `instrument.profile=${profile}`)
  t.equal(status, 3)
  t.match(
    stderr,
    /step 6 of 11, refine: .*lit traces lie [56]\.\d px apart, 1\.\d of their width: give flats that light one fibre/,
  )
  t.notMatch(steps(tree), /\n7,flats/, 'and nothing is extracted by them')
})

t.test('what it would do is listed, and nothing is touched', async (t) => {
  const { root, raw, tree } = rootIn(t)
  shot(raw, 'w', 1)
  const { stdout, status } = setup(root, '--dry-run')
  t.equal(status, 0)
  t.match(stdout, /\[ 5\/11\] +trace +to do: first traces of the orders \(1 frames\)/)
  t.notOk(existsSync(tree))
  t.match(setup(join(root, 'none')), { status: 3, stderr: /no raw frames in .*none\/cpt\/nres03\/<YYYYMMDD>\/raw/ })
  t.match(call('site-setup', []), { status: 2, stderr: /which spectrograph\?/ })
})
